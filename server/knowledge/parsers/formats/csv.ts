import Papa from 'papaparse'
import { decodeText } from '../encoding.ts'
import { type PageBuilder, pageBuilder } from '../page-builder.ts'
import type { Parser, ParserInput } from '../parser.ts'

/** Parses a table as text: one line per row, cells separated by tabs; the first row names the columns. */
export const parseCsv: Parser = async (source) => {
  const text = decodeText(await source.bytes())
  const page = rows(text, source, '"') ?? rows(text, source, '\u0000') ?? pageBuilder(source.textBudget)
  return { title: null, paged: false, pages: [page.page(1)] }
}

/** Returns undefined when a quotation mark is never closed, because everything after it would be one cell. */
function rows(text: string, { textBudget, type }: ParserInput, quoteChar: string): PageBuilder | undefined {
  const page = pageBuilder(textBudget)
  let isClosed = true
  page.startTable()
  Papa.parse<string[]>(text, {
    delimiter: type === 'tsv' ? '\t' : '',
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
