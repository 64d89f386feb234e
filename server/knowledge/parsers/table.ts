import { isColumnNames } from './column-names.ts'
import type { PageBuilder } from './page-builder.ts'

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
  for (const [i, row] of rows.entries()) {
    if (i === Math.max(0, names)) page.startTable()
    page.row(columns.map((column) => row[column] ?? ''))
  }
  page.endTable()
}
