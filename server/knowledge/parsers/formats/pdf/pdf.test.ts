import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { temporaryFolder } from '../../../../../test/files/folder.ts'
import {
  blankPdf,
  encryptedPdf,
  filledPdf,
  type Placed,
  placedPdf,
  recursivePdf,
  scannedPdf,
} from '../../../../../test/files/pdf.ts'
import { chunkDocument } from '../../../chunking/index.ts'
import { pictureFormat } from '../../../pictures/picture-format.ts'
import type { ParsedDocument, ParseFailure } from '../../document.ts'
import { parseFile } from '../../parse-file.ts'
import { blocksOf } from './columns.ts'
import { drawPage } from './draw-page.ts'
import { linesOf } from './lines.ts'
import { runsOf } from './runs.ts'

const limits = { bytes: 1e8, pages: 12, unpackedBytes: 20_000_000, milliseconds: 60_000, memoryBytes: 5e8 }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

async function read(content: Uint8Array): Promise<ParsedDocument> {
  return parseFile(await folder.write('a.pdf', content), 'a.pdf', limits, () => undefined)
}

const firstPage = async (page: Placed[], more?: { rotation?: number }) =>
  (await read(placedPdf([page], more))).pages[0]?.text

const parseError = (code: ParseFailure) => expect.objectContaining({ code }) as Error

/** Returns lines of text below each other. */
const column = (x: number, y: number, lines: string[], step = 12): Placed[] =>
  lines.map((text, i) => ({ x, y: y - i * step, text }))

const words = 'harbour ledger winter signal copper valley engine letter'.split(' ')
const prose = (seed: number, lines: number) =>
  Array.from({ length: lines }, (_, i) =>
    Array.from({ length: 6 }, (_, k) => words[(seed + 3 * i + k) % 8]).join(' '),
  )

test.each([
  ['with a figure', { hasFigure: true }, true],
  ['turned, with a figure', { hasFigure: true, rotation: 90 }, true],
  ['of text alone', {}, false],
])('a page %s is drawn as a picture, if only figures are wanted: %j %s', async (_, more, isDrawn) => {
  const path = await folder.write('drawn.pdf', placedPdf([[{ x: 60, y: 700, text: 'Sales' }]], more))
  const whole = await drawPage({ path, page: 1, maxEdge: 400, onlyGraphical: false })
  expect(pictureFormat(Buffer.from(whole?.jpeg ?? []))).toMatchObject({
    type: 'jpg',
    width: whole?.width,
    height: whole?.height,
  })
  expect(Math.max(whole?.width ?? 0, whole?.height ?? 0)).toBeCloseTo(400, -1)
  const graphical = await drawPage({ path, page: 1, maxEdge: 400, onlyGraphical: true })
  expect(graphical !== undefined).toBe(isDrawn)
  expect(await drawPage({ path, page: 2, maxEdge: 400, onlyGraphical: false })).toBeUndefined()
})

describe('a page of a PDF', () => {
  it('has one line per table row, with tabs between cells', async () => {
    const rows = [
      ['Item', '2022', '2021'],
      ['Net sales', '51,761', '47,262'],
      ['Cost of sales', '40,121', '36,689'],
    ]
    const cells = rows.flatMap((row, r) => row.map((text, c) => ({ x: 60 + c * 150, y: 700 - r * 14, text })))
    const byColumn = cells.toSorted((a, b) => a.x - b.x)
    for (const order of [cells, byColumn, cells.toReversed()])
      expect(await firstPage(order)).toBe(rows.map((row) => row.join('\t')).join('\n'))
  })

  it('has the column names of tables of figures as headings of their rows', async () => {
    const rows = [
      ['', 'January 28,', 'January 29,'],
      ['(in millions)', '2023', '2022'],
      ...Array.from({ length: 8 }, (_, i) => [`Item ${words[i]}`, `${i},500`, `${i},400`]),
    ]
    const cells = rows.flatMap((row, r) =>
      row.flatMap((text, c) => (text ? [{ x: 60 + c * 150, y: 700 - r * 14, text }] : [])),
    )
    const { pages } = await read(placedPdf([[...cells, ...column(60, 500, prose(1, 3))]]))
    const text = pages[0]?.text ?? ''
    expect(pages[0]?.headings).toEqual([
      {
        start: 0,
        end: text.indexOf('7,400') + 5,
        level: 9,
        text: '(in millions) | January 28, 2023 | January 29, 2022',
      },
    ])
  })

  it('has the column names of a table that continues on the next pages', async () => {
    const row = (y: number, cells: string[]) => cells.map((text, i): Placed => ({ x: 60 + 150 * i, y, text }))
    const rows = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => row(700 - 14 * i, [`PX-${first + i}`, `${first + i}.5`, 'Bin']))
    const names = row(714, ['Part', 'Weight', 'Store'])
    const document = await read(
      placedPdf([
        [...names, ...rows(1, 30).flat(), { x: 290, y: 40, text: '1' }],
        rows(31, 2).flat(),
        rows(33, 30).flat().slice(0, -1),
        [
          ...column(60, 700, prose(1, 4)),
          ...rows(1, 2)
            .flat()
            .map((cell) => ({ ...cell, y: cell.y - 60 })),
        ],
      ]),
    )
    expect(document.pages.map(({ headings }) => headings.map(({ start, text }) => [start, text]))).toEqual([
      [[0, 'Part | Weight | Store']],
      [[-1, 'Part | Weight | Store']],
      [[-1, 'Part | Weight | Store']],
      [],
    ])
    const passages = chunkDocument(document)
    expect(passages.filter(({ heading }) => heading === null)).toHaveLength(2)
  })

  it('reads three columns, and short ones, one by one', async () => {
    const three = [1, 4, 6].map((seed) => prose(seed, 12).map((line) => line.slice(0, 34)))
    const text = await firstPage(three.flatMap((lines, i) => column(40 + 182 * i, 720, lines)))
    expect(text?.replace(/\s+/g, ' ')).toBe(three.flat().join(' ').replace(/\s+/g, ' '))
    const short = [prose(1, 4), prose(4, 4)]
    const page = await firstPage(short.flatMap((lines, i) => column(60 + 260 * i, 720, lines)))
    expect(page?.replace(/\s+/g, ' ')).toBe(short.flat().join(' '))
  })

  it('reads column by column, with full-width blocks in between', async () => {
    const left = prose(1, 12)
    const right = prose(4, 12)
    const title = {
      x: 60,
      y: 760,
      text: 'A title that reaches over both of the columns of this page and further',
      size: 12,
    }
    const foot = {
      x: 60,
      y: 500,
      text: 'A closing line that reaches over both of the columns of the page as well',
    }
    const number = { x: 290, y: 40, text: '7' }
    const page = [title, ...column(60, 720, left), ...column(320, 720, right), foot, number]
    const lines = left
      .flatMap((_, i) => [column(60, 720, left)[i], column(320, 720, right)[i]])
      .filter((line) => line !== undefined)
    for (const order of [page, [title, ...lines, foot, number]]) {
      const text = (await firstPage(order)) ?? ''
      expect(text.replace(/\s+/g, ' ')).toBe([title.text, ...left, ...right, foot.text, '7'].join(' '))
    }
  })

  it.each([
    ['Japanese', '港は夜明けに開き最後の渡し船が着'],
    ['Chinese, with a letter at the end of each line,', '灯塔每夜为船只引航而港口从早到晚A'],
    ['Korean', '등대는 밤마다 배를 안내하고 항구는'],
  ])('reads narrow columns of %s text with a narrow gutter column by column', (_, sample) => {
    const widthOf = (text: string) => [...text].reduce((sum, letter) => sum + (letter === ' ' ? 4 : 10), 0)
    const lineAt = (x: number, row: number, mark: string) =>
      [...mark, ...sample].map((letter, i, letters) => {
        const left = x + widthOf(letters.slice(0, i).join(''))
        const [bottom, top] = [700 - row * 14, 710 - row * 14]
        return { code: letter.codePointAt(0) ?? 0, left, right: left + widthOf(letter), bottom, top }
      })
    const rows = Array.from({ length: 12 }, (_, row) => row)
    const marks = '一二三四五六七八九十甲乙'
    const left = rows.map((row) => lineAt(60, row, `左${marks[row]}`))
    const right = rows.map((row) => lineAt(60 + 20 + widthOf(sample) + 8, row, `右${marks[row]}`))
    for (const order of [[...left, ...right], rows.flatMap((row) => [left[row] ?? [], right[row] ?? []])]) {
      const glyphs = order.flat().map((glyph, index) => ({ ...glyph, index }))
      const lines = blocksOf(runsOf(glyphs)).flatMap((block) => linesOf(block).map(({ text }) => text))
      expect(lines).toEqual(
        ['左', '右'].flatMap((side) => rows.map((row) => `${side}${marks[row]}${sample}`)),
      )
    }
  })

  it('joins words hyphenated at a line end, and no others', async () => {
    const page = column(60, 700, [
      'The committee of the har-',
      'bour met on Monday with Anne-',
      'Marie about the figures of 5 -',
      'as agreed before.',
    ])
    expect(await firstPage(page)).toBe(
      'The committee of the harbour\nmet on Monday with Anne-\nMarie about the figures of 5 -\nas agreed before.',
    )
  })

  it('separates paragraphs by a wider gap or an indent', async () => {
    const gap = [...column(60, 700, prose(1, 4)), ...column(60, 640, prose(2, 4))]
    expect((await firstPage(gap))?.split('\n\n')).toHaveLength(2)
    const indented = [
      ...column(60, 700, prose(1, 4)),
      ...column(75, 652, prose(3, 1)),
      ...column(60, 640, prose(2, 4)),
    ]
    expect((await firstPage(indented))?.split('\n\n')).toHaveLength(2)
  })

  it.each([0, 90, 180, 270])('is the same on a page rotated by %i degrees', async (rotation) => {
    const rows = [
      ['Item', '2022'],
      ['Net sales', '51,761'],
      ['Cost of sales', '40,121'],
    ]
    const page = rows.flatMap((row, r) => row.map((text, c) => ({ x: 60 + c * 150, y: 400 - r * 14, text })))
    expect(await firstPage(page, { rotation })).toBe(rows.map((row) => row.join('\t')).join('\n'))
  })
})

it('includes filled form fields beside their labels', async () => {
  expect((await read(filledPdf('Name:', 'Ada Lovelace'))).pages[0]?.text).toBe('Name:\tAda Lovelace')
})

describe('headings of a PDF', () => {
  const body = column(60, 640, prose(1, 8))

  it('are larger than the text, or bold and separate; size gives the level', async () => {
    const page = [
      { x: 60, y: 780, text: 'The whole report', size: 22 },
      { x: 60, y: 730, text: 'First part', size: 16 },
      { x: 60, y: 690, text: 'A bold line', bold: true },
      ...body,
      { x: 60, y: 500, text: 'Bold words', bold: true },
      { x: 130, y: 500, text: 'that begin a sentence of the text' },
      ...column(60, 488, prose(2, 6)),
    ]
    const document = await read(placedPdf([page]))
    expect(document.pages[0]?.headings.map(({ level, text }) => `${level} ${text}`)).toEqual([
      '1 The whole report',
      '2 First part',
      '6 A bold line',
    ])
    for (const { start, text } of document.pages[0]?.headings ?? [])
      expect(document.pages[0]?.text.slice(start)).toMatch(new RegExp(`^${text}\n`))
    expect(document.title).toBe('The whole report')
  })

  it('may span two lines, and exclude running headers', async () => {
    const pages = Array.from({ length: 4 }, (_, i) => [
      { x: 60, y: 800, text: `Annual report, page ${i + 1}`, size: 16 },
      ...(i === 0
        ? [
            { x: 60, y: 740, text: 'A heading that is', size: 16 },
            { x: 60, y: 721, text: 'too long for a line', size: 16 },
          ]
        : []),
      ...body,
    ])
    const document = await read(placedPdf(pages))
    expect(document.pages.flatMap(({ headings }) => headings.map(({ text }) => text))).toEqual([
      'A heading that is too long for a line',
    ])
  })

  it('are not the title if there is a title property', async () => {
    expect(
      (
        await read(
          placedPdf([[{ x: 60, y: 700, text: 'Big', size: 30 }, ...body]], { title: 'A fine title' }),
        )
      ).title,
    ).toBe('A fine title')
  })
})

describe('a PDF is rejected', () => {
  it.each([
    ['with a password', encryptedPdf(), 'encrypted'],
    ['when its page tree is cyclic', recursivePdf(), 'corrupt'],
    ['when it is a scan', scannedPdf(2), 'no_text'],
    ['when its pages are blank', blankPdf(), 'empty'],
    [
      'when it is cut off at its beginning',
      placedPdf([column(60, 700, ['Hello'])]).subarray(0, 60),
      'corrupt',
    ],
    [
      'with too many pages',
      placedPdf(Array.from({ length: 13 }, () => column(60, 700, ['Hello']))),
      'too_many_pages',
    ],
  ] as const)('%s', async (_, content, code) => {
    await expect(read(content)).rejects.toEqual(parseError(code))
  })

  it('is not rejected for a short text or for scans among text pages', async () => {
    expect((await read(placedPdf([column(60, 700, ['Hello'])]))).pages[0]?.text).toBe('Hello')
    const mixed = await read(scannedPdf(2, column(60, 700, prose(1, 5))))
    expect(mixed.pages.map(({ text }) => text !== '')).toEqual([true, false, false])
  })
})
