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

/** Returns the column names of the tables of figures on a page as headings of their rows. */
export function tablesOf(lines: TextLine[]): ParsedHeading[] {
  const tables: ParsedHeading[] = []
  let rows: TextLine[] = []
  let between = 0
  const endTable = () => {
    const table = tableOf(rows)
    if (table) tables.push(table)
    rows = []
    between = 0
  }
  for (const line of lines) {
    if (line.isHeading) endTable()
    else if (line.text.includes('\t')) {
      rows.push(line)
      between = 0
    } else if ((between += 1) > maxLinesBetweenRows) endTable()
  }
  endTable()
  return tables
}

function tableOf(rows: TextLine[]): ParsedHeading | undefined {
  const cells = rows.map(({ text }) => text.split('\t'))
  const head = cells.slice(0, maxRowsAboveNames + 1).findIndex(areNames)
  const first = rows[head]
  const last = rows.at(-1)
  if (!first || !last || rows.length - head < minRows) return undefined
  const figures = cells.slice(head).filter((row) => row.slice(1).some((cell) => /\d/.test(cell)))
  const names = columnNames(cells.slice(head, head + maxHeadRows + 1))
  if (!names || figures.length * 2 < rows.length - head) return undefined
  return tableHeading(names, first.start, last.start + last.text.length)
}

const areNames = (cells: string[]) =>
  isColumnNames(cells) && cells.every(({ length }) => length <= maxNameCharacters)
