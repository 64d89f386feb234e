import Papa from 'papaparse'
import { decodeText } from '../encoding.ts'
import type { Format, Source } from '../format.ts'
import { type PageText, pageText } from '../page-text.ts'

/** Tables as text: a line for each row, cells parted by tabs, whatever parted them in the file; the first row names the columns. */
export const readCsv: Format = async (source) => {
  const text = decodeText(await source.bytes())
  const page = rows(text, source, '"') ?? rows(text, source, '\u0000') ?? pageText(source.spent)
  return { title: null, paged: false, pages: [page.page(1)] }
}

/** Undefined when a quotation mark is never closed: what follows it would be one cell. */
function rows(text: string, { spent, type }: Source, quoteChar: string): PageText | undefined {
  const page = pageText(spent)
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
