import type { ReadHeading, ReadLimits, ReadPage } from './document.ts'
import { unpacksTooLarge } from './unreadable.ts'

/** Deeper than every heading of a document. */
const columnNamesLevel = 9
const longestHeading = 200
/** A table with fewer characters stays in one passage, with its column names in it. */
const longTable = 500

/** Counts what was taken from a file and stops at the limit, in bytes. */
export function budget(limits: ReadLimits) {
  let left = limits.unpackedBytes
  return {
    take(bytes: number) {
      left -= bytes
      if (left < 0) throw unpacksTooLarge(limits)
    },
  }
}
export type Budget = ReturnType<typeof budget>

/** Blanks of every kind as one, none at the ends. */
export const inline = (text: string) => text.replace(/[\s\u00a0]+/g, ' ').trim()

/**
 * Column names, when this row of a table looks like them: mostly filled, and words rather than figures.
 */
export function columnNames(cells: string[]): string | undefined {
  const filled = cells.filter((cell) => cell !== '')
  const isFigure = (cell: string) => /\d/.test(cell) && !/\p{L}/u.test(cell) && !/^(?:19|20)\d\d$/.test(cell)
  if (filled.length < 2 || filled.length * 2 < cells.length || filled.some(isFigure)) return undefined
  return filled.join(' | ').slice(0, longestHeading)
}

/**
 * Writes a page as plain text: paragraphs and headings set apart by a blank line, list items and rows on a line each,
 * cells parted by tabs.
 */
export function pageText(spent: Budget) {
  const parts: string[] = []
  const headings: ReadHeading[] = []
  let length = 0
  let last: 'block' | 'line' | undefined
  let table: { start: number; rows: number; names: string | undefined } | undefined

  function add(text: string, kind: 'block' | 'line'): number {
    const gap = last === undefined ? '' : kind === 'line' && last === 'line' ? '\n' : '\n\n'
    spent.take(gap.length + text.length)
    parts.push(gap, text)
    const start = length + gap.length
    length = start + text.length
    last = kind
    return start
  }

  return {
    paragraph(text: string) {
      if (text !== '') add(text, 'block')
    },
    /** A line of a list, of code or of a poem: no blank line between it and the one before. */
    line(text: string) {
      if (text !== '') add(text, 'line')
    },
    heading(level: number, text: string) {
      const title = inline(text)
      if (title === '') return
      const start = add(title, 'block')
      headings.push({ start, level, text: title.slice(0, longestHeading) })
    },
    startTable() {
      if (last === 'line') last = 'block'
      table = { start: length, rows: 0, names: undefined }
    },
    row(cells: string[]) {
      const values = cells.map(inline)
      while (values.at(-1) === '') values.pop()
      if (values.length === 0) return
      const start = add(values.join('\t'), 'line')
      if (table && table.rows === 0) table = { start, rows: 0, names: columnNames(values) }
      if (table) table.rows += 1
    },
    endTable() {
      if (table?.names && length - table.start > longTable)
        headings.push({ start: table.start, level: columnNamesLevel, text: table.names, end: length })
      table = undefined
      if (last === 'line') last = 'block'
    },
    get isEmpty() {
      return length === 0
    },
    page(page: number): ReadPage {
      return { page, text: parts.join(''), headings: headings.toSorted((a, b) => a.start - b.start) }
    },
  }
}
export type PageText = ReturnType<typeof pageText>
