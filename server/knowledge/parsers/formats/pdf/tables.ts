import { columnNames, isColumnNames, maxHeadRows, tableHeading } from '../../column-names.ts'
import type { ParsedHeading } from '../../document.ts'

/** A line in the text of a page; tabs separate cells. */
export type TextLine = { text: string; start: number; isHeading: boolean }

/** Lines without cells inside a table: row groups and wrapped labels. */
const maxLinesBetweenRows = 2
const minRows = 3
/** Rows of titles and units above the column names. */
const maxRowsAboveNames = 2
/** Longer cells are paragraphs side by side. */
const maxNameCharacters = 60

/** The start of a table that continues one of the page before: none of its rows is the column names. */
const beforePage = -1

/** A table at the end of a page, which the next page may continue. */
export type OpenTable = { names: string; columns: number }

/**
 * Returns the column names of the tables of figures on a page as headings of their rows; rows that continue the table of
 * the page before have its names.
 */
export function tablesOf(
  lines: TextLine[],
  before: OpenTable | undefined,
): { headings: ParsedHeading[]; open: OpenTable | undefined } {
  const headings: ParsedHeading[] = []
  let open = before
  let rows: TextLine[] = []
  let between = 0
  const endTable = () => {
    const last = rows.at(-1)
    if (!last) return
    const table =
      tableOf(rows) ?? (open && continues(rows, open) ? { ...open, start: beforePage } : undefined)
    if (table) headings.push(tableHeading(table.names, table.start, last.start + last.text.length))
    open = table
    rows = []
    between = 0
  }
  for (const line of lines) {
    if (line.text.includes('\t') && !line.isHeading) {
      rows.push(line)
      between = 0
    } else if (line.isHeading || (between += 1) > maxLinesBetweenRows) {
      endTable()
      open = undefined
    }
  }
  endTable()
  return { headings, open }
}

const cellsOf = ({ text }: TextLine) => text.split('\t')

function tableOf(rows: TextLine[]): (OpenTable & { start: number }) | undefined {
  const cells = rows.map(cellsOf)
  const head = cells.slice(0, maxRowsAboveNames + 1).findIndex(areNames)
  const first = rows[head]
  if (!first || rows.length - head < minRows) return undefined
  const names = columnNames(cells.slice(head, head + maxHeadRows + 1))
  if (!names || !areFigures(cells.slice(head))) return undefined
  return { names, columns: cells[head]?.length ?? 0, start: first.start }
}

function continues(rows: TextLine[], { columns }: OpenTable): boolean {
  const cells = rows.map(cellsOf)
  return cells.filter((row) => row.length === columns).length * 2 > rows.length && areFigures(cells)
}

const areFigures = (rows: string[][]) =>
  rows.filter((row) => row.slice(1).some((cell) => /\d/.test(cell))).length * 2 >= rows.length

const areNames = (cells: string[]) =>
  isColumnNames(cells) && cells.every(({ length }) => length <= maxNameCharacters)
