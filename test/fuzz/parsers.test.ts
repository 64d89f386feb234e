import { inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { documentParser } from '../../server/knowledge/parsers/index.ts'
import { temporaryFolder } from '../files/folder.ts'
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
} from '../files/office.ts'
import { placedPdf } from '../files/pdf.ts'
import { type ZipEntry, zipOf } from '../files/zip.ts'
import { parametersFor, timeout } from './options.ts'

/** Returns the archive without compression, so that changes reach the content of its entries. */
function uncompressed(archive: Buffer): Buffer {
  const entries: Record<string, ZipEntry> = {}
  for (let at = 0; archive.readUInt32LE(at) === 0x04034b50; ) {
    const start = at + 30 + archive.readUInt16LE(at + 26)
    const stored = archive.subarray(start, start + archive.readUInt32LE(at + 18))
    entries[archive.toString('utf8', at + 30, start)] = {
      data: archive.readUInt16LE(at + 8) === 0 ? stored : inflateRawSync(stored),
      stored: true,
    }
    at = start + stored.length
  }
  return zipOf(entries)
}

const html = `<html><head><title>T</title></head><h1>Title</h1><p>${'Some text. '.repeat(40)}</p><ul><li>a<ol><li>b</ol></ul><table><tr><td>a</td><td>b</td></tr></table><pre>x</pre></html>`
const archives: [string, Buffer][] = [
  [
    'a.docx',
    docxOf(
      wordParagraph('One', 'Heading1') +
        wordTable([
          ['a', 'b'],
          ['c', 'd'],
        ]) +
        wordParagraph('Two').repeat(30),
      { styles: '<w:style w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>' },
    ),
  ],
  [
    'a.pptx',
    pptxOf([{ shapes: slideShape(['Title'], 'title'), notes: 'Notes' }, { shapes: slideShape(['More']) }]),
  ],
  ['a.xlsx', xlsxOf([{ name: 'S', rows: sheetRows(Array.from({ length: 20 }, (_, i) => ['x', i])) }])],
  ['a.odt', odfOf('text', '<text:h>H</text:h><text:p>One</text:p>'.repeat(20))],
  ['a.epub', epubOf('Book', { 'a.html': html, 'b.html': html })],
]
const files: [string, Buffer][] = [
  ...archives,
  ...archives.map(([name, bytes]): [string, Buffer] => [name, uncompressed(bytes)]),
  [
    'a.pdf',
    placedPdf(
      Array.from({ length: 3 }, (_, i) => [
        { x: 60, y: 700, text: `Page ${i}` },
        { x: 60, y: 680, text: 'with a text' },
      ]),
      { title: 'A title' },
    ),
  ],
  ['a.html', Buffer.from(html)],
  ['a.csv', Buffer.from('name,town\n"Ada, L.",London\n'.repeat(20))],
  ['a.json', Buffer.from(JSON.stringify({ a: [1, 'b', { c: null }] }))],
  ['a.md', Buffer.from('---\ntitle: T\n---\n# Title\n\nText with ümlauts.\n\n## [Link](x)\n'.repeat(10))],
  ['a.txt', Buffer.from('Chapter 1\n\nIt was calm.\n\n2.1 The boat\n\n'.repeat(10), 'utf16le')],
  [
    'a.eml',
    Buffer.from(
      'From: a@example.org\nSubject: =?utf-8?q?S=C3=BC?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>Hi=20\n--b--\n',
    ),
  ],
]

const tokens =
  '< > </ /> <! <![CDATA[ ]]> <!ENTITY &#x110000; &#0; &amp; <table><tr><td> <ul><li> <w:p> <text:p> " \' , ; \n \n\n \t \0 \r # [ ]( ``` --- = -1 0 1e999 4294967296 99999999999999999999 R obj endobj stream endstream << >> /Kids[1 0 R] /Length startxref %%EOF PK\x03\x04 \ufeff \u202e \ud83d 😀 ü \x80 --b Content-Type:'.split(
    ' ',
  )
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof({ arbitrary: fc.nat(3), weight: 4 }, { arbitrary: fc.nat(3_000), weight: 1 }),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom(...tokens).map((token) => Buffer.from(token)),
  ),
  repetitions: fc.oneof(
    { arbitrary: fc.constant(1), weight: 20 },
    { arbitrary: fc.integer({ min: 2, max: 100_000 }), weight: 1 },
  ),
  keepsLength: fc.boolean(),
})
const mutatedFile = fc.record({
  file: fc.constantFrom(...files),
  edits: fc.array(edit, { minLength: 1, maxLength: 6 }),
})

const limits = {
  bytes: 30_000_000,
  pages: 2_000,
  unpackedBytes: 32_000_000,
  milliseconds: 20_000,
  memoryBytes: 400_000_000,
}
let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

test(
  'a mutated file ends in a text or in a clear error, within the limits',
  async () => {
    const crashes = new Set<string>()
    const log = pino(
      { level: 'warn' },
      {
        write: (line: string) => void crashes.add(line.replace(/"(?:time|pid)":\d+,/g, '')),
      },
    )
    await using parser = documentParser({ limits, concurrency: 1, log })
    const outcomes: Record<string, number> = {}
    const property = fc.asyncProperty(mutatedFile, async ({ file: [name, original], edits }) => {
      let bytes = original
      for (const { at, removed, inserted, repetitions, keepsLength } of edits) {
        const start = Math.floor(at * bytes.length)
        const piece = Buffer.concat(Array.from({ length: repetitions }, () => inserted))
        bytes = Buffer.concat([
          bytes.subarray(0, start),
          piece,
          bytes.subarray(start + (keepsLength ? piece.length : removed)),
        ])
      }
      const path = await folder.write('file', bytes)
      const outcome = await parser.read(path, name, { signal: AbortSignal.timeout(60_000) })
      await folder.remove(path)
      const code = outcome.ok ? 'text' : outcome.code
      outcomes[code] = (outcomes[code] ?? 0) + 1
      if (outcome.ok) {
        expect(outcome.passages.length).toBeGreaterThan(0)
        expect(outcome.document.pages.every(({ text }) => text.isWellFormed())).toBe(true)
      } else {
        expect(outcome.message).toMatch(/^\p{Lu}.*\.$/u)
        expect(['timed_out', 'out_of_memory']).not.toContain(code)
      }
      expect([...crashes], 'crashes of the parser').toEqual([])
    })
    await fc.assert(property, parametersFor(200))
    console.info(outcomes)
    expect(Object.keys(outcomes)).toEqual(expect.arrayContaining(['text', 'corrupt']))
  },
  timeout,
)
