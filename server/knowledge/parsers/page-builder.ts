import { columnNames, maxHeadRows, tableHeading } from './column-names.ts'
import type { ParsedHeading, ParsedPage, ParseLimits } from './document.ts'
import { unpackedTooLarge } from './errors.ts'

const maxHeadingCharacters = 200

/** Counts the text taken from a file, in bytes, and throws at the limit. */
export function createTextBudget(limits: ParseLimits) {
  let left = limits.unpackedBytes
  return {
    take(bytes: number) {
      left -= bytes
      if (left < 0) throw unpackedTooLarge(limits)
    },
  }
}
export type TextBudget = ReturnType<typeof createTextBudget>

/** Collapses whitespace of every kind to single spaces and trims the ends. */
export const collapseWhitespace = (text: string) => text.replace(/[\s\u00a0]+/g, ' ').trim()

/** Builds a page of plain text: blank lines around paragraphs and headings, tabs between the cells of a row. */
export function pageBuilder(textBudget: TextBudget) {
  const parts: string[] = []
  const headings: ParsedHeading[] = []
  let length = 0
  let last: 'block' | 'line' | undefined
  let table: { start: number; head: string[][] } | undefined

  function add(text: string, kind: 'block' | 'line'): number {
    const gap = last === undefined ? '' : kind === 'line' && last === 'line' ? '\n' : '\n\n'
    textBudget.take(gap.length + text.length)
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
    /** Appends a line without a blank line before it: for lists, code or verse. */
    line(text: string) {
      if (text !== '') add(text, 'line')
    },
    heading(level: number, text: string) {
      const title = collapseWhitespace(text)
      if (title === '') return
      const start = add(title, 'block')
      headings.push({ start, level, text: title.slice(0, maxHeadingCharacters) })
    },
    startTable() {
      if (last === 'line') last = 'block'
      table = { start: length, head: [] }
    },
    row(cells: string[]) {
      const values = cells.map(collapseWhitespace)
      const text = values.slice(0, values.findLastIndex((value) => value !== '') + 1)
      if (text.length === 0) return
      const start = add(text.join('\t'), 'line')
      if (table?.head.length === 0) table.start = start
      if (table && table.head.length <= maxHeadRows) table.head.push(values)
    },
    endTable() {
      const names = table && columnNames(table.head)
      if (table && names) headings.push(tableHeading(names, table.start, length))
      table = undefined
      if (last === 'line') last = 'block'
    },
    page(page: number): ParsedPage {
      return { page, text: parts.join(''), headings: headings.toSorted((a, b) => a.start - b.start) }
    },
  }
}
export type PageBuilder = ReturnType<typeof pageBuilder>
