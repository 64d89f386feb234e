import type { ParsedHeading } from './document.ts'

/** Rows of column names: a group name, the names, and their units. */
export const maxHeadRows = 3
/** The level of column names, below every heading level of a document. */
const level = 9
const maxCharacters = 400
/** A year, a date, or a span of years. */
const date = /^(?:19|20)\d\d(?:[-–/.]\d{1,4}){0,2}$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}$/

/** Returns whether a table row looks like column names: mostly filled, and words or dates rather than numbers. */
export function isColumnNames(cells: string[]): boolean {
  const filled = cells.filter((cell) => cell !== '')
  const isFigure = (cell: string) => /^[-–—]$|\d/.test(cell) && !/\p{L}/u.test(cell) && !date.test(cell)
  // A name of a group of columns stands above the first of them.
  const named = cells.length - cells.findIndex((cell) => cell !== '')
  return filled.length >= 2 && named * 2 >= cells.length && !filled.some(isFigure)
}

/** Returns the column names of a table by its first rows; those above a row of figures may have several lines. */
export function columnNames(rows: string[][]): string | undefined {
  const body = rows.findIndex((row) => !isColumnNames(row))
  const [first, ...more] = rows.slice(0, body === -1 ? 1 : body)
  if (!first || rows.length < 2) return undefined
  let names = first
  for (const row of rows[body]?.some((cell) => /\d/.test(cell)) ? more : []) {
    // Otherwise the row may be a first row of text.
    if (countFilled(row) <= countFilled(names) && !row.some((cell) => date.test(cell))) break
    names = names.includes('') ? joinAligned(names, row) : joinFromRight(names, row)
  }
  return names
    .filter((cell) => cell !== '')
    .join(' | ')
    .slice(0, maxCharacters)
}

const countFilled = (cells: string[]) => cells.filter((cell) => cell !== '').length

/** Joins two rows of names column by column, where blank cells follow the name of a group. */
function joinAligned(upper: string[], lower: string[]): string[] {
  let group = ''
  return Array.from({ length: Math.max(upper.length, lower.length) }, (_, i) => {
    const [own = '', name = ''] = [upper[i], lower[i]]
    group = own || group
    return name === '' ? own : [...new Set([group, name])].filter(Boolean).join(' ')
  })
}

/**
 * Joins two rows of names column by column. If the upper row has at most half as many names, they name groups of
 * columns; otherwise the first columns have no upper name. Columns of figures are on the right, so the last cells
 * correspond.
 */
function joinFromRight(upper: string[], lower: string[]): string[] {
  const span = Math.max(1, Math.floor(lower.length / upper.length))
  const width = Math.max(upper.length * span, lower.length)
  return Array.from({ length: width }, (_, i) =>
    [upper[Math.floor((i - width) / span) + upper.length], lower[i - width + lower.length]]
      .filter(Boolean)
      .join(' '),
  )
}

/** Returns the heading of a table between two offsets of its page. */
export const tableHeading = (names: string, start: number, end: number): ParsedHeading => ({
  start,
  level,
  text: names,
  end,
})
