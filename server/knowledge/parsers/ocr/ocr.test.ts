import { execFileSync } from 'node:child_process'
import { chmod, cp, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../../../scripts/services/find.ts'
import { temporaryFolder } from '../../../../test/files/folder.ts'
import { scansPdf } from '../../../../test/files/pdf.ts'
import { pngOf, sideways, tiffOf, upsideDown } from '../../../../test/files/picture.ts'
import { createPdf } from '../../../../test/pdf.ts'
import { createLog } from '../../../log.ts'
import { openPdf } from '../formats/pdf/pdfium.ts'
import { documentParser } from '../index.ts'
import type { OcrSettings } from './tesseract.ts'

const limits = { bytes: 1e8, pages: 20, unpackedBytes: 2e7, milliseconds: 60_000, memoryBytes: 1e9 }
const installed = findProgram('tesseract') ?? ''
const english: OcrSettings = {
  languages: 'eng',
  env: { PATH: [dirname(installed), '/usr/bin', '/bin'].join(delimiter) },
}

const harbour = 'The harbour of Vellmar opens at dawn and closes when the last ferry has landed.'
const mill = 'The mill grinds rye on Mondays, and barley on every other day of the week.'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

/** Renders texts as greyscale images of printed pages. */
async function renderScans(...texts: string[]): Promise<Uint8Array[]> {
  using pdf = await openPdf(await folder.write('print.pdf', createPdf(texts)))
  return texts.map((_, i) => pdf.withPage(i, (page) => page.portableGraymap(200)) ?? new Uint8Array())
}

async function read(
  name: string,
  content: Uint8Array,
  ocr: OcrSettings | null = english,
  more: Partial<typeof limits> = {},
) {
  await using files = documentParser({
    limits: { ...limits, ...more },
    concurrency: 1,
    log: createLog('silent'),
    ocr,
  })
  const progress: [number, number][] = []
  const outcome = await files.read(await folder.write(name, content), name, {
    signal: new AbortController().signal,
    onProgress: (done, total) => progress.push([done, total]),
  })
  return { outcome, progress, pages: outcome.ok ? outcome.document.pages.map(({ text }) => text) : [] }
}

describe('a scan', () => {
  it('is recognized page by page, with progress', async () => {
    const pictures = await renderScans(harbour, mill, harbour)
    const { outcome, pages, progress } = await read('scan.pdf', scansPdf(pictures))
    expect(outcome).toMatchObject({ ok: true, document: { type: 'pdf', paged: true } })
    expect(pages).toEqual([harbour, mill, harbour])
    expect(progress.at(-1)).toEqual([3, 3])
  })

  it('returns the positions of words on the page', async () => {
    const { outcome } = await read('scan.pdf', scansPdf(await renderScans(harbour)))
    const words = outcome.ok ? (outcome.document.pages[0]?.words ?? []) : []
    expect(words.map(({ text }) => text).join(' ')).toBe(harbour)
    // The text begins 60 points from the left and 62 from the top of a page of 595 by 842.
    expect(words[0]?.left).toBeCloseTo(60 / 595, 1)
    expect(words[0]?.top).toBeCloseTo(55 / 842, 1)
    expect(words.at(-1)?.left).toBeGreaterThan(0.6)
  })

  it.each(['sideways', 'upside down'])('is recognized %s', async (direction) => {
    const turn = direction === 'sideways' ? sideways : upsideDown
    const text = [harbour, mill, harbour, mill].join('\n')
    const { pages } = await read('turned.pdf', scansPdf((await renderScans(text)).map(turn)))
    expect(pages).toEqual([text])
  })

  it('is recognized upright without the data for other directions', async () => {
    const data = /"(.+)"/.exec(execFileSync(installed, ['--list-langs'], { encoding: 'utf8' }))?.[1] ?? ''
    const env = { ...english.env, TESSDATA_PREFIX: join(folder.path, 'tessdata') }
    await cp(data, env.TESSDATA_PREFIX, { recursive: true, filter: (file) => !file.includes('osd') })
    const [upright = new Uint8Array()] = await renderScans(harbour)
    const { pages } = await read('one-turned.pdf', scansPdf([upright, sideways(upright)]), {
      ...english,
      env,
    })
    expect(pages).toEqual([harbour, ''])
  })

  it('keeps paragraphs and joins hyphenated words', async () => {
    const text = `The keepers of the light-\nhouse wrote a book.\n\n\n\n${mill}`
    const { pages } = await read('paragraphs.pdf', scansPdf(await renderScans(text)))
    expect(pages).toEqual([`The keepers of the lighthouse\nwrote a book.\n\n${mill}`])
  })

  it('reports missing settings, programs and languages', async () => {
    const scan = scansPdf(await renderScans(harbour))
    const outcomeWith = async (ocr: OcrSettings | null) => (await read('scan.pdf', scan, ocr)).outcome
    expect(await outcomeWith(null)).toMatchObject({
      ok: false,
      code: 'no_text',
      message: expect.stringContaining('set OCR_LANGUAGES'),
    })
    expect(await outcomeWith({ ...english, env: { PATH: '/nowhere' } })).toMatchObject({
      ok: false,
      code: 'no_text',
      message: expect.stringContaining('Tesseract (text recognition) is not installed'),
    })
    expect(await outcomeWith({ ...english, languages: 'qqq' })).toMatchObject({
      ok: false,
      code: 'no_text',
      message: expect.stringContaining('OCR_LANGUAGES (qqq)'),
    })
  })

  it('reports that there is no text', async () => {
    const { outcome } = await read('blank.pdf', scansPdf(await renderScans('', '')))
    expect(outcome).toMatchObject({
      ok: false,
      code: 'no_text',
      message: expect.stringContaining('No text could be recognized'),
    })
  })

  it('reads only the beginning of the warnings', async () => {
    const noisy = await folder.write(
      'tesseract',
      '#!/bin/sh\nhead -c 20000 /dev/zero >&2\necho "Failed loading language" >&2\nexit 1\n',
    )
    await chmod(noisy, 0o755)
    const env = { ...english.env, PATH: [dirname(noisy), english.env.PATH].join(delimiter) }
    const { outcome } = await read('scan.pdf', scansPdf(await renderScans(harbour)), { ...english, env })
    expect(outcome).toMatchObject({ ok: false, code: 'no_text' })
  })

  it('applies the time limit of a file to each image', async () => {
    const results = await folder.write('results.tsv', '')
    const recorder = await folder.write('tesseract', `#!/bin/sh\n${installed} "$@" | tee ${results}\n`)
    await chmod(recorder, 0o755)
    const env = { ...english.env, PATH: [dirname(recorder), english.env.PATH].join(delimiter) }
    await read('short.pdf', scansPdf(await renderScans(harbour)), { ...english, env })
    // An eighth of the limit for each image: twenty, two at a time, exceed it, and one does not on a busy machine.
    await writeFile(recorder, `#!/bin/sh\nsleep 2.5\ncat ${results}\n`)
    const texts = Array.from({ length: 20 }, () => harbour)
    const { pages } = await read(
      'long.pdf',
      scansPdf(await renderScans(...texts)),
      { ...english, env },
      { milliseconds: 20_000 },
    )
    expect(pages).toEqual(texts)
  }, 300_000)
})

describe('an image', () => {
  it('is recognized like a page', async () => {
    const [picture = new Uint8Array()] = await renderScans(`${harbour}\n\n${mill}`)
    const { outcome, pages } = await read('page.png', pngOf(picture))
    expect(outcome).toMatchObject({ ok: true, document: { type: 'png', paged: false } })
    expect(pages).toEqual([`${harbour}\n\n${mill}`])
  })

  it('is detected by content, whatever its name', async () => {
    const [picture = new Uint8Array()] = await renderScans(harbour)
    const { outcome } = await read('page.pdf', pngOf(picture))
    expect(outcome).toMatchObject({ ok: true, document: { type: 'png' } })
  })

  it('keeps the pages of a TIFF', async () => {
    const { outcome, pages } = await read('fax.tif', tiffOf(await renderScans(harbour, mill)))
    expect(outcome).toMatchObject({ ok: true, document: { type: 'tif', paged: true } })
    expect(pages).toEqual([harbour, mill])
  })

  it('is rejected when damaged', async () => {
    const [picture = new Uint8Array()] = await renderScans(harbour)
    const { outcome } = await read('half.png', pngOf(picture).subarray(0, 900))
    expect(outcome).toMatchObject({ ok: false, code: 'no_text' })
  })
})
