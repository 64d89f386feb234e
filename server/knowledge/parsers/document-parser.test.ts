import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/files/folder.ts'
import {
  docxOf,
  epubOf,
  odfOf,
  pptxOf,
  sheetRows,
  slideShape,
  wordParagraph,
  wordTable,
  xlsxOf,
} from '../../../test/files/office.ts'
import { pdfBomb, placedPdf } from '../../../test/files/pdf.ts'
import { zipOf } from '../../../test/files/zip.ts'
import { createPdf } from '../../../test/pdf.ts'
import { createLog } from '../../log.ts'
import { deleteAbandonedFolders, parserProcess } from './child-process.ts'
import type { ParseLimits, ParseOutcome } from './document.ts'
import { documentParser } from './index.ts'
import { permissionFlags } from './sandbox.ts'

const limits: ParseLimits = {
  bytes: 30_000_000,
  pages: 2_000,
  unpackedBytes: 32_000_000,
  milliseconds: 60_000,
  memoryBytes: 400_000_000,
}
const log = createLog('silent')
const never = new AbortController().signal

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let longPdf: string
beforeAll(async () => {
  folder = await temporaryFolder()
  longPdf = await folder.write(
    'long.pdf',
    createPdf(Array.from({ length: 400 }, (_, i) => `Page ${i}. ${'Some words of text. '.repeat(120)}`)),
  )
})
afterAll(() => folder[Symbol.asyncDispose]())

const using = (more: Partial<ParseLimits> = {}, concurrency = 2) =>
  documentParser({ limits: { ...limits, ...more }, concurrency, log })

async function read(
  name: string,
  content: string | Uint8Array,
  more: Partial<ParseLimits> = {},
): Promise<ParseOutcome> {
  await using files = using(more)
  return await files.read(await folder.write(name, content), name, { signal: never })
}

const failed = (code: string) => ({ ok: false, code, message: expect.stringMatching(/\w+ .*\.$/) as string })

const isRunning = (pid: number | undefined) => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('document parser', () => {
  it('returns pages, passages and language', async () => {
    const text = `# Harbour\n\n${'The harbour was quiet in the early morning. '.repeat(60)}\n\n# Valley\n\nNothing to see.`
    const outcome = await read('a.md', text)
    expect(outcome).toMatchObject({
      ok: true,
      language: 'eng',
      document: { type: 'md', title: 'Harbour', paged: false },
    })
    if (!outcome.ok) return
    const { document, passages } = outcome
    expect(document.pages).toEqual([
      {
        page: 1,
        text,
        headings: [expect.objectContaining({ text: 'Harbour' }), expect.objectContaining({ text: 'Valley' })],
      },
    ])
    expect(passages.map((passage) => passage.text).join('')).toBe(text)
    expect(passages.map(({ n }) => n)).toEqual(passages.map((_, i) => i + 1))
    expect(passages.at(-1)).toMatchObject({ page: null, heading: 'Valley' })
  })

  it('reports progress and keeps passages within pages', async () => {
    await using files = using()
    const seen: [number, number][] = []
    const outcome = await files.read(longPdf, 'long.pdf', {
      signal: never,
      onProgress: (done, total) => seen.push([done, total]),
    })
    expect(seen.at(-1)).toEqual([400, 400])
    expect(seen).toEqual(seen.toSorted((a, b) => a[0] - b[0]))
    if (!outcome.ok) throw new Error(outcome.message)
    expect(outcome.document.pages.map(({ page }) => page)).toEqual(
      Array.from({ length: 400 }, (_, i) => i + 1),
    )
    for (const { page, start, end, text } of outcome.passages)
      expect(outcome.document.pages[(page ?? 0) - 1]?.text.slice(start, end)).toBe(text)
  })

  it('returns a very long text completely', async () => {
    const text = 'A line of the log, ändlos 😀.\n'.repeat(60_000)
    const outcome = await read('a.log', text)
    expect(outcome.ok && outcome.document.pages[0]?.text === text).toBe(true)
  })

  it.each(['png', 'PDF', 'docx', 'py', 'Markdown'])('detects the type of the extension %s', (ending) => {
    expect(using().typeOf(`a.${ending}`)).toBe(ending === 'Markdown' ? 'md' : ending.toLowerCase())
  })

  it('lists supported extensions', () => {
    const { supported, typeOf } = using()
    expect(supported).toEqual(expect.arrayContaining(['pdf', 'docx', 'csv', 'eml', 'txt', 'rs']))
    expect(supported).not.toContain('png')
    expect(typeOf('archive.zip')).toBeUndefined()
    expect(typeOf('notes/README')).toBe('txt')
    for (const ending of supported) expect(typeOf(`x.${ending}`)).toBeDefined()
  })
})

describe('a file that cannot be parsed', () => {
  it('reports why: empty, too large', async () => {
    expect(await read('a.txt', '')).toEqual(failed('empty'))
    expect(await read('a.txt', 'x'.repeat(2_000), { bytes: 1_000 })).toEqual(failed('too_large'))
  })

  const zeros = Buffer.alloc(60_000_000)
  const unpackedBytes = 5_000_000
  const inWord = (document: Parameters<typeof zipOf>[0][string]) =>
    docxOf('', { parts: { 'word/document.xml': document } })
  it.each([
    [
      'more spaces than the limit',
      'unpacks_too_large',
      () => inWord(`<w:document xmlns:w="w">${' '.repeat(60_000_000)}`),
    ],
    ['more bytes than its directory states', 'corrupt', () => inWord({ data: zeros, claims: 1_000 })],
    [
      'more XML than the limit, as its directory states',
      'unpacks_too_large',
      () => docxOf(wordParagraph('ha '.repeat(1_000)).repeat(4_000)),
    ],
    [
      'more entries than any document has',
      'unpacks_too_large',
      () => zipOf(Object.fromEntries(Array.from({ length: 5_001 }, (_, i) => [`${i}`, '']))),
    ],
    [
      'chapters that exceed the limit together',
      'unpacks_too_large',
      () =>
        epubOf(
          'x',
          Object.fromEntries(
            Array.from({ length: 20 }, (_, i) => [`${i}.html`, `<p>${'ha '.repeat(150_000)}`]),
          ),
        ),
    ],
  ])('is stopped when it unpacks to %s', async (_, code, make) => {
    const outcome = await read('bomb.docx', make(), { unpackedBytes })
    expect(outcome).toEqual(failed(code))
  })

  it('is stopped at the memory limit, and the next file is parsed', async () => {
    await using files = using()
    const bomb = await folder.write('bomb.pdf', pdfBomb(deflateSync(Buffer.alloc(1_000_000_000, ' '))))
    expect(await files.read(bomb, 'bomb.pdf', { signal: never })).toEqual(failed('out_of_memory'))
    const good = await folder.write('a.pdf', placedPdf([[{ x: 60, y: 700, text: 'Still here' }]]))
    expect(await files.read(good, 'a.pdf', { signal: never })).toMatchObject({ ok: true })
  })

  it('is stopped when it exhausts the heap', async () => {
    const limits = { memoryBytes: 180_000_000, unpackedBytes: 100_000_000, milliseconds: 120_000 }
    const rows = (count: number) =>
      xlsxOf([
        {
          name: 'S',
          rows: sheetRows(Array.from({ length: count }, (_, i) => ['cell', i, i + 0.5, i * 3, i * 5, i * 7])),
        },
      ])
    expect(await read('a.xlsx', rows(10), limits)).toMatchObject({ ok: true })
    expect(await read('a.xlsx', rows(200_000), limits)).toEqual(failed('out_of_memory'))
  }, 150_000)

  it('is stopped at the time limit, and the next file gets a new process', async () => {
    await using files = using({ milliseconds: 1 })
    expect(await files.read(longPdf, 'long.pdf', { signal: never })).toEqual(failed('timed_out'))
    expect(await files.read(longPdf, 'long.pdf', { signal: never })).toEqual(failed('timed_out'))
  })
})

describe('the parser process', () => {
  /** Starts a child process that is parsing a long document. */
  async function busyChild(signal = never) {
    const child = parserProcess(limits, log)
    const started = Promise.withResolvers<void>()
    const outcome = child.parse(
      { path: longPdf, filename: 'long.pdf', limits, ocr: null, searchPath: undefined, isWebPage: false },
      signal,
      () => started.resolve(),
    )
    outcome.catch(() => undefined)
    await started.promise
    return { child, outcome }
  }

  it('fails only its own file when killed', async () => {
    const { child, outcome } = await busyChild()
    process.kill(child.pid ?? 0, 'SIGKILL')
    expect(await outcome).toEqual(failed('corrupt'))
    expect(child.isUsable).toBe(false)
  })

  it('is killed when its file is cancelled', async () => {
    const stop = new AbortController()
    const { child, outcome } = await busyChild(stop.signal)
    stop.abort(new Error('no longer wanted'))
    await expect(outcome).rejects.toThrow('no longer wanted')
    await expect.poll(() => isRunning(child.pid)).toBe(false)
  })

  it('has an empty environment', async () => {
    const child = parserProcess(limits, log)
    const { readFile } = await import('node:fs/promises')
    const environment = await readFile(`/proc/${child.pid}/environ`, 'utf8').catch(() => '')
    expect(environment).not.toContain('PATH=')
    await child.end()
    expect(isRunning(child.pid)).toBe(false)
  })

  it('can only read its code and its input, whatever a parser does', async () => {
    const input = join(folder.path, 'parser')
    await mkdir(input)
    await writeFile(join(input, 'input'), 'its input')
    const secret = await folder.write('secret', 'the file of another user')
    const script = fileURLToPath(new URL('../../../test/files/hostile-parser.ts', import.meta.url))
    const args = [...permissionFlags(input), script, input, secret]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { 'read the input': content, ...others } = JSON.parse(stdout) as Record<string, unknown>
    expect(content).toBe('its input')
    expect(Object.keys(others)).toHaveLength(16)
    for (const [attempt, result] of Object.entries(others)) expect(result, attempt).toBe('ERR_ACCESS_DENIED')
  })

  it('ends with its parent process, whose folders the next one deletes', async () => {
    const script = `
      import { parserProcess } from ${JSON.stringify(new URL('./child-process.ts', import.meta.url).href)}
      const limits = ${JSON.stringify(limits)}
      const child = parserProcess(limits, { warn() {} })
      child.parse({ path: ${JSON.stringify(longPdf)}, filename: 'a.pdf', limits }, new AbortController().signal, () => console.log(child.pid))`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(output.toString().split('\n')[0])
    const folders = async () => {
      await deleteAbandonedFolders(log)
      return (await readdir(tmpdir())).filter((name) => name.startsWith(`gabee-parser-${parent.pid}-`))
    }
    expect(isRunning(pid)).toBe(true)
    expect(await folders()).toHaveLength(1)
    const exited = once(parent, 'exit')
    parent.kill('SIGKILL')
    await exited
    await expect.poll(() => isRunning(pid)).toBe(false)
    expect(await folders()).toEqual([])
  })
})

describe('concurrent files', () => {
  it('queue in order, and a cancelled file releases its permit', async () => {
    await using files = using({}, 1)
    const first = files.read(longPdf, 'long.pdf', { signal: never })
    const stop = new AbortController()
    const second = files.read(longPdf, 'long.pdf', { signal: stop.signal })
    const third = files.read(await folder.write('a.txt', 'Third of three.'), 'a.txt', { signal: never })
    stop.abort(new Error('given up'))
    await expect(second).rejects.toThrow('given up')
    expect(await first).toMatchObject({ ok: true })
    expect(await third).toMatchObject({ ok: true })
  })

  it('of one user do not delay the file of another', async () => {
    await using files = using({}, 2)
    const finished: string[] = []
    const stop = new AbortController()
    const read = async (user: string, path: string, name: string) => {
      await files.read(path, name, { user, signal: stop.signal })
      finished.push(user)
    }
    const long = Array.from({ length: 4 }, () => read('ann', longPdf, 'long.pdf'))
    await read('bob', await folder.write('b.txt', 'A small file.'), 'b.txt')
    expect(finished.filter((user) => user === 'ann').length).toBeLessThanOrEqual(2)
    stop.abort()
    await Promise.allSettled(long)
  }, 120_000)

  it('are all cancelled when the server closes', async () => {
    const files = using({}, 1)
    const reads = [1, 2, 3].map(() => files.read(longPdf, 'long.pdf', { signal: never }))
    const results = Promise.allSettled(reads)
    await files[Symbol.asyncDispose]()
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(files.read(longPdf, 'long.pdf', { signal: never })).rejects.toThrow('closing')
  })

  it('end in a text or a clear error, however damaged', async () => {
    const html = `<html><h1>Title</h1><p>${'Some text. '.repeat(40)}</p><table><tr><td>a</td><td>b</td></tr></table></html>`
    const seeds: [string, Buffer][] = [
      [
        'a.pdf',
        placedPdf(
          Array.from({ length: 3 }, (_, i) => [
            { x: 60, y: 700, text: `Page ${i}` },
            { x: 60, y: 680, text: 'with a text' },
          ]),
        ),
      ],
      [
        'a.docx',
        docxOf(
          wordParagraph('One') +
            wordTable([
              ['a', 'b'],
              ['c', 'd'],
            ]) +
            wordParagraph('Two').repeat(30),
        ),
      ],
      [
        'a.pptx',
        pptxOf([
          { shapes: slideShape(['Title'], 'title'), notes: 'Notes' },
          { shapes: slideShape(['More']) },
        ]),
      ],
      ['a.xlsx', xlsxOf([{ name: 'S', rows: sheetRows(Array.from({ length: 20 }, (_, i) => ['x', i])) }])],
      ['a.odt', odfOf('text', '<text:h>H</text:h><text:p>One</text:p>'.repeat(20))],
      ['a.epub', epubOf('Book', { 'a.html': html, 'b.html': html })],
      ['a.html', Buffer.from(html)],
      ['a.csv', Buffer.from('name,town\n"Ada, L.",London\n'.repeat(20))],
      [
        'a.eml',
        Buffer.from(
          'From: a@example.org\nSubject: S\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Hi\n--b--\n',
        ),
      ],
      ['a.md', Buffer.from('# Title\n\nText with ümlauts.\n'.repeat(10))],
    ]
    let state = 12_345
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % below
    }
    const damages = [
      (bytes: Buffer) => bytes.subarray(0, random(bytes.length) + 1),
      (bytes: Buffer) => bytes.map((byte) => (random(60) === 0 ? random(256) : byte)),
      (bytes: Buffer) => {
        const at = random(bytes.length)
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(30))])
      },
      (bytes: Buffer) => {
        const at = random(bytes.length)
        return Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(random(bytes.length)),
          bytes.subarray(at),
        ])
      },
    ]
    await using files = using({ milliseconds: 60_000 }, 3)
    const codes = new Set<string>()
    await Promise.all(
      Array.from({ length: 320 }, async (_, i) => {
        const [name, bytes] = seeds[i % seeds.length] ?? ['a.txt', Buffer.from('x')]
        const damaged = damages[Math.floor(i / seeds.length) % damages.length]?.(bytes) ?? bytes
        const outcome = await files.read(await folder.write(name, damaged), name, { signal: never })
        codes.add(outcome.ok ? 'ok' : outcome.code)
        if (outcome.ok) expect(outcome.passages.length).toBeGreaterThan(0)
      }),
    )
    expect(codes).toContain('ok')
    expect(codes).toContain('corrupt')
    for (const code of ['timed_out', 'out_of_memory']) expect(codes).not.toContain(code)
  }, 120_000)
})
