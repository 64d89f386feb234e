import Papa from 'papaparse'
import { decodeText } from '../encoding.ts'
import { type PageBuilder, pageBuilder } from '../page-builder.ts'
import type { Parser, ParserInput } from '../parser.ts'

/** Parses a table as text: one line per row, cells separated by tabs; the first row names the columns. */
export const parseCsv: Parser = async (source) => {
  const file = decodeText(await source.bytes())
  // Excel reads the delimiter from such a first line, so exports for it have one.
  const separator = /^sep=(.)\n/i.exec(file)
  const table = {
    text: separator ? file.slice(separator[0].length) : file,
    delimiter: separator?.[1] ?? (source.type === 'tsv' ? '\t' : ''),
  }
  const page = rows(table, source, '"') ?? rows(table, source, '\u0000') ?? pageBuilder(source.textBudget)
  return { title: null, paged: false, pages: [page.page(1)] }
}

/** Returns undefined when a quotation mark is never closed, because everything after it would be one cell. */
function rows(
  { text, delimiter }: { text: string; delimiter: string },
  { textBudget }: ParserInput,
  quoteChar: string,
): PageBuilder | undefined {
  const page = pageBuilder(textBudget)
  let isClosed = true
  page.startTable()
  Papa.parse<string[]>(text, {
    delimiter,
    quoteChar,
    skipEmptyLines: 'greedy',
    step({ data, errors }, parser) {
      isClosed &&= !errors.some(({ code }) => code === 'MissingQuotes')
      if (isClosed) page.row(data)
      else parser.abort()
    },
  })
  page.endTable()
  return isClosed ? page : undefined
}
