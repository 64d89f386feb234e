import { columnNames, type PageText } from './page-text.ts'

/** Titles and notes may stand above a table's column names, but not many. */
const rowsAboveNames = 10

/**
 * Writes a sheet of rows. The first row that looks like column names begins the table, so that they head every passage
 * cut from the rows below; columns without any value are left out.
 */
export function tableInto(page: PageText, rows: string[][]) {
  const used = new Set<number>()
  for (const row of rows) for (const [i, cell] of row.entries()) if (cell !== '') used.add(i)
  const columns = [...used].sort((a, b) => a - b)
  const widest = columns.length
  const names = rows.slice(0, rowsAboveNames).findIndex((row) => {
    const cells = columns.map((column) => row[column] ?? '')
    return columnNames(cells) !== undefined && cells.filter((cell) => cell !== '').length * 2 > widest
  })
  for (const [i, row] of rows.entries()) {
    if (i === Math.max(0, names)) page.startTable()
    page.row(columns.map((column) => row[column] ?? ''))
  }
  page.endTable()
}
