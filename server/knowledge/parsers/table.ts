import { isColumnNames } from './column-names.ts'
import { collapseWhitespace, type PageBuilder } from './page-builder.ts'

/** Longer merged cells are text rather than labels of their rows. */
const maxLabelCharacters = 100

/** Returns what a merged cell repeats in each of its rows. */
export const labelOf = (cell: string) => {
  const label = collapseWhitespace(cell)
  return label.length > maxLabelCharacters ? '' : label
}

/** Maximum rows of titles and notes above a table's column names. */
const rowsAboveNames = 10

/** Appends the rows of a sheet without empty columns. The first row that looks like column names starts the table. */
export function appendTable(page: PageBuilder, rows: string[][]) {
  const used = new Set<number>()
  for (const row of rows) for (const [i, cell] of row.entries()) if (cell !== '') used.add(i)
  const columns = [...used].sort((a, b) => a - b)
  const widest = columns.length
  const names = rows.slice(0, rowsAboveNames).findIndex((row) => {
    const cells = columns.map((column) => row[column] ?? '')
    return isColumnNames(cells) && cells.filter((cell) => cell !== '').length * 2 > widest
  })
  const start = Math.max(0, names)
  // A row above with fewer names has those of groups of columns.
  const first = start > 0 && isColumnNames(rows[start - 1] ?? []) ? start - 1 : start
  for (const [i, row] of rows.entries()) {
    if (i === first) page.startTable()
    page.row(columns.map((column) => row[column] ?? ''))
  }
  page.endTable()
}
