import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ParsedDocument, ParsedHeading } from '../parsers/document.ts'
import { chunkDocument } from './index.ts'
import { wordCount } from './word-count.ts'

const documentOf = (
  texts: string[],
  more: { headings?: ParsedHeading[][]; type?: string; paged?: boolean } = {},
): ParsedDocument => ({
  type: more.type ?? 'txt',
  title: null,
  paged: more.paged ?? texts.length > 1,
  pages: texts.map((text, i) => ({ page: i + 1, text, headings: more.headings?.[i] ?? [] })),
})

/** Returns headings at the offsets of their lines. */
const headingsIn = (text: string, lines: [level: number, line: string][]): ParsedHeading[] =>
  lines.map(([level, line]) => ({ start: text.indexOf(line), level, text: line }))

const sentence = (word: string, words: number) => `${Array.from({ length: words }, () => word).join(' ')}.`
const paragraph = (word: string, sentences: number) =>
  Array.from({ length: sentences }, () => sentence(word, 10)).join(' ')

describe('a figure and its caption', () => {
  const passagesOf = (lines: string[], type = 'pdf') =>
    chunkDocument(documentOf([lines.join('\n')], { type })).map(({ text }) => text)
  const captions = [
    `Figure 3: ${paragraph('Revenue', 5)}`,
    `Fig. 3.1 ${paragraph('Revenue', 5)}`,
    `*Abbildung 3 – ${paragraph('Umsatz', 5)}*`,
    `图 3 ${'收入。'.repeat(28)}`,
  ]

  it.each(captions)('are not split: %s', (caption) => {
    // Only the first sentences of the caption fit into the passage.
    expect(passagesOf([paragraph('before', 7), '', caption, '', paragraph('after', 9)])).toEqual(
      expect.arrayContaining([expect.stringContaining(caption)]),
    )
  })

  it.each([
    ['an image of Markdown', '![A bar chart](chart.png)', '', captions[0]],
    ['an image of Markdown', '![A bar chart](chart.png)', paragraph('Revenue', 5)],
    ['the first row of a table', captions[0]?.replace('Figure', 'Table'), '', '| Year | Revenue |'],
  ])('stay together: %s', (_, ...lines) => {
    const figure = lines.join('\n')
    expect(passagesOf([paragraph('before', 7), '', figure, '', paragraph('after', 9)], 'md')).toEqual(
      expect.arrayContaining([expect.stringContaining(figure)]),
    )
  })

  it('are not a sentence about a figure, or a caption with the text after it', () => {
    for (const text of ['Figure 3 shows', 'Figure 3: Revenue']) {
      const long = `${text} ${paragraph('More', 9)}`
      const passages = passagesOf([paragraph('before', 7), '', long])
      expect(passages).not.toContain(long)
      expect(passages.join('')).toContain(long)
    }
  })
})

describe('passages of a page', () => {
  it('cover it without gaps or overlaps', () => {
    const pieces = fc.constantFrom(
      'one two ',
      'End. ',
      '\n',
      '\n\n',
      'a\tb\n',
      '- item\n',
      '漢字',
      'ไทย',
      '😀',
      'x'.repeat(90),
      ' ',
      '```\n',
      '| a | b |\n',
      'Dr. No. ',
      'Figure 3: ',
      '![x](y)\n',
    )
    const texts = fc.array(
      fc.array(pieces, { maxLength: 120 }).map((parts) => parts.join('')),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(
        texts,
        fc.array(fc.nat(400), { maxLength: 5 }),
        fc.integer({ min: 30, max: 90 }),
        (pages, starts, target) => {
          const headings = pages.map((text) =>
            starts
              .filter((start) => start < text.length)
              .map((start, i) => ({ start, level: (i % 3) + 1, text: `h${i}` })),
          )
          const document = documentOf(pages, { headings, paged: true })
          const passages = chunkDocument(document, { target })
          expect(passages.map(({ n }) => n)).toEqual(passages.map((_, i) => i + 1))
          for (const page of document.pages) {
            const own = passages.filter((passage) => passage.page === page.page)
            if (page.text.trim() === '') expect(own).toEqual([])
            else expect(own.map((passage) => passage.text).join('')).toBe(page.text)
            for (const { start, end, text } of own) expect(text).toBe(page.text.slice(start, end))
            for (const { text } of own) {
              expect(wordCount(text)).toBeLessThanOrEqual(2 * target)
              expect(text.isWellFormed()).toBe(true)
            }
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('never split a surrogate pair', () => {
    const passages = chunkDocument(
      documentOf([`ab😀cd ${'😀'.repeat(601)}`], {
        headings: [[{ start: 3, level: 1, text: `x${'😀'.repeat(400)}` }]],
        paged: true,
      }),
      { target: 30 },
    )
    expect(passages.map(({ text }) => text.isWellFormed())).not.toContain(false)
    expect(passages.map(({ heading }) => heading?.isWellFormed() ?? true)).not.toContain(false)
    expect(passages.map(({ text }) => text).join('')).toBe(`ab😀cd ${'😀'.repeat(601)}`)
  })

  it('have their page number, or null without pages', () => {
    expect(chunkDocument(documentOf(['First page.', 'Second page.'])).map(({ page }) => page)).toEqual([1, 2])
    expect(chunkDocument(documentOf(['Only text.'])).map(({ page }) => page)).toEqual([null])
  })
})

describe('where a passage ends', () => {
  it('is the end of a sentence', () => {
    const passages = chunkDocument(documentOf([paragraph('word', 40)]))
    expect(passages.length).toBeGreaterThan(3)
    for (const { text } of passages) expect(text.trimEnd()).toMatch(/\.$/)
  })

  it('is the end of a paragraph from 60 % on', () => {
    const text = `${paragraph('alpha', 8)}\n\n${paragraph('beta', 3)}`
    expect(chunkDocument(documentOf([text])).map((passage) => passage.text)).toEqual([
      `${paragraph('alpha', 8)}\n\n`,
      paragraph('beta', 3),
    ])
  })

  it('is neither a line break in wrapped prose nor the period of an abbreviation', () => {
    const wrapped = `${'The committee of Dr. Weber met on\nthe 3. Oktober and agreed with no. 4 of\nthe list. '.repeat(20)}`
    for (const { text } of chunkDocument(documentOf([wrapped]))) expect(text.trim()).toMatch(/^The .*\.$/s)
  })

  it('is never inside a table row', () => {
    const rows = Array.from({ length: 60 }, (_, i) => `Item ${i}\t${i * 3}. and more\t${i * 7}`)
    const passages = chunkDocument(documentOf([rows.join('\n')]))
    expect(passages.length).toBeGreaterThan(2)
    expect(passages.flatMap(({ text }) => text.trimEnd().split('\n'))).toEqual(rows)
  })

  it('is never inside a line of code', () => {
    const lines = Array.from(
      { length: 80 },
      (_, i) => `  const value${i} = call(a. b, ${i}). then(more. again)`,
    )
    const passages = chunkDocument(documentOf([lines.join('\n')], { type: 'ts' }))
    expect(
      passages.flatMap(({ text }) =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => line.trim()),
      ),
    ).toEqual(lines.map((line) => line.trim()))
  })

  it('lies between words of a sentence longer than a passage', () => {
    const passages = chunkDocument(documentOf([Array.from({ length: 500 }, (_, i) => `w${i}`).join(' ')]))
    expect(passages.length).toBe(5)
    expect(passages.flatMap(({ text }) => text.trim().split(' '))).toHaveLength(500)
  })

  it('is found in scripts without spaces', () => {
    const japanese = '会議は午後三時に始まりました。予算について長い議論がありました。'.repeat(30)
    const thai = 'ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน'.repeat(60)
    const passages = chunkDocument(documentOf([japanese]))
    expect(passages.length).toBeGreaterThan(3)
    for (const { text } of passages) expect(text).toMatch(/。$/)
    const thaiPassages = chunkDocument(documentOf([thai]))
    expect(thaiPassages.length).toBeGreaterThan(3)
    const words = new Set(
      [...new Intl.Segmenter('th', { granularity: 'word' }).segment(thai)].map(({ index }) => index),
    )
    for (const { start } of thaiPassages) expect(words).toContain(start)
  })

  it('leaves no remainder of a few words', () => {
    const text = `${paragraph('alpha', 12)} Three words more.`
    expect(chunkDocument(documentOf([text])).map((passage) => passage.text)).toEqual([text])
  })
})

describe('headings', () => {
  const text = [
    'Guide',
    'Intro text.',
    'Setup',
    paragraph('setup', 9),
    'Linux',
    paragraph('linux', 9),
    'Usage',
    paragraph('usage', 9),
  ].join('\n\n')
  const headings = headingsIn(text, [
    [1, 'Guide'],
    [2, 'Setup'],
    [3, 'Linux'],
    [2, 'Usage'],
  ])

  it('start a passage and name the path to it', () => {
    const passages = chunkDocument(documentOf([text], { headings: [headings] }))
    expect(passages.map(({ heading, text: own }) => [heading, own.split('\n')[0]])).toEqual([
      ['Guide', 'Guide'],
      ['Guide › Setup › Linux', 'Linux'],
      ['Guide › Usage', 'Usage'],
    ])
  })

  it('apply to every passage under them, also on the next page', () => {
    const first = `Chapter\n\n${paragraph('one', 30)}`
    const passages = chunkDocument(
      documentOf([first, paragraph('two', 5)], { headings: [headingsIn(first, [[1, 'Chapter']]), []] }),
    )
    expect(passages.length).toBeGreaterThan(3)
    expect(new Set(passages.map(({ heading }) => heading))).toEqual(new Set(['Chapter']))
  })

  it('of a table apply to the passages that begin inside it', () => {
    const rows = Array.from({ length: 70 }, (_, i) => `Person ${i}\tTown ${i}`).join('\n')
    const table = `Name\tPlace\n${rows}`
    const page = `${paragraph('before', 6)}\n\n${table}\n\n${paragraph('after', 20)}`
    const start = page.indexOf(table)
    const names = { start, level: 9, text: 'Name | Place', end: start + table.length }
    const headings = (above: ParsedHeading[]) =>
      chunkDocument(documentOf([page], { headings: [[...above, names]] })).map((passage) => passage.heading)
    expect(headings([])).toEqual([null, 'Name | Place', 'Name | Place', null, null])
    const long = { start: 0, level: 1, text: 'word '.repeat(80) }
    expect(headings([long])[1]).toMatch(/^word .* › Name \| Place$/)
  })

  it('without text are merged with what follows', () => {
    const page = `Part One\n\nChapter 1\n\n${paragraph('body', 6)}`
    const passages = chunkDocument(
      documentOf([page], {
        headings: [
          headingsIn(page, [
            [1, 'Part One'],
            [2, 'Chapter 1'],
          ]),
        ],
      }),
    )
    expect(passages).toHaveLength(1)
    expect(passages[0]?.heading).toBe('Part One')
  })
})

it('counts unspaced scripts in equivalents of English words', () => {
  expect(wordCount('four words of English')).toBe(4)
  expect(wordCount('漢'.repeat(100))).toBeCloseTo(65)
  expect(wordCount('ก'.repeat(100))).toBeCloseTo(25)
  expect(wordCount(`https://example.org/${'a'.repeat(60)}`)).toBe(5)
})
