import type { ParsedPage } from '../document.ts'
import { corrupt, tooManyPages } from '../errors.ts'
import { mainPartOf, relationsOf, titleOf } from '../office.ts'
import { collapseWhitespace, pageBuilder } from '../page-builder.ts'
import type { ParserInput, ZipParser } from '../parser.ts'
import { appendTable, labelOf } from '../table.ts'
import { descendants, parseTree, parseXml, prefixed } from '../xml.ts'
import type { Zip } from '../zip.ts'
import { type CellFormat, cellFormatsOf, formatCell } from './xlsx-cells.ts'

/** Parses Excel: a page per visible sheet with its name as heading, a line per row below the column names. */
export const parseXlsx: ZipParser = async (zip, source) => {
  const main = await mainPartOf(zip)
  if (!main || !zip.has(main)) throw corrupt('it has no list of sheets')
  const { sheets, since1904 } = await workbookOf(zip, main)
  if (sheets.length > source.limits.pages) throw tooManyPages(sheets.length, source.limits)
  const relations = await relationsOf(zip, main)
  const partOf = (type: string) => relations.values().find((relation) => relation.type === type)?.target ?? ''
  const strings = await stringsOf(zip, partOf('sharedStrings'))
  const formats = await cellFormatsOf(zip, partOf('styles'))
  const pages: ParsedPage[] = []
  for (const { name, id } of sheets) {
    const rows = await rowsOf(zip, relations.get(id)?.target ?? '', { strings, formats, since1904 })
    pages.push(sheetPage(name, rows, pages.length + 1, source))
    source.onPage(pages.length, sheets.length)
  }
  return { title: await titleOf(zip, 'docProps/core.xml'), paged: true, pages }
}

function sheetPage(name: string, rows: string[][], number: number, { textBudget }: ParserInput): ParsedPage {
  const page = pageBuilder(textBudget)
  if (rows.length === 0) return page.page(number)
  page.heading(1, name)
  appendTable(page, rows)
  return page.page(number)
}

async function workbookOf(zip: Zip, main: string) {
  const book = await parseTree(zip.chunks(main))
  const [properties] = descendants(book, 'workbookPr')
  return {
    since1904: /^(?:1|true)$/.test(properties?.attributes['date1904'] ?? ''),
    sheets: [...descendants(book, 'sheet')]
      .filter(({ attributes }) => !/hidden/i.test(attributes['state'] ?? ''))
      .map(({ attributes }) => ({ name: attributes['name'] ?? '', id: prefixed(attributes, 'id') ?? '' })),
  }
}

/** Returns the shared strings, without the phonetic guides of Asian scripts. */
async function stringsOf(zip: Zip, part: string): Promise<string[]> {
  const strings: string[] = []
  let text = ''
  let inText = false
  let phoneticDepth = 0
  await parseXml(zip.chunks(part), {
    open(name) {
      if (name === 'si') text = ''
      else if (name === 'rPh') phoneticDepth += 1
      else if (name === 't') inText = phoneticDepth === 0
    },
    text(more) {
      if (inText) text += more
    },
    close(name) {
      if (name === 't') inText = false
      else if (name === 'rPh') phoneticDepth -= 1
      else if (name === 'si') strings.push(collapseWhitespace(text))
    },
  })
  return strings
}

type Shared = { strings: string[]; formats: CellFormat[]; since1904: boolean }

async function rowsOf(zip: Zip, part: string, { strings, formats, since1904 }: Shared): Promise<string[][]> {
  const rows: string[][] = []
  const rowsByNumber = new Map<number, string[]>()
  let number = 0
  let row: string[] = []
  let column = 0
  let type = 'n'
  let style = 0
  let value = ''
  let inValue = false
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      if (name === 'row') {
        row = []
        column = -1
        number = Number(attributes['r']) || number + 1
      } else if (name === 'c') {
        column = columnOf(attributes['r']) ?? column + 1
        type = attributes['t'] ?? 'n'
        style = Number(attributes['s'] ?? 0)
        value = ''
      } else if (name === 'v' || name === 't') inValue = true
      else if (name === 'mergeCell') repeatLabel(attributes['ref'] ?? '')
    },
    text(text) {
      if (inValue) value += text
    },
    close(name) {
      if (name === 'v' || name === 't') inValue = false
      else if (name === 'c' && value !== '' && column < maxColumns) row[column] = cellText()
      else if (name === 'row' && row.length > 0) {
        row = Array.from(row, (cell) => cell ?? '')
        rows.push(row)
        rowsByNumber.set(number, row)
      }
    },
  })
  return rows

  /** Repeats a cell that is merged over several rows in each of them. */
  function repeatLabel(range: string) {
    const [from = '', to = ''] = range.split(':')
    const [first, last] = [rowOf(from), Math.min(rowOf(to), number)]
    const at = columnOf(from) ?? 0
    const label = labelOf(rowsByNumber.get(first)?.[at] ?? '')
    for (let n = first + 1; n <= last && label !== ''; n++) {
      const below = rowsByNumber.get(n)
      while (below && below.length < at) below.push('')
      if (below) below[at] ||= label
    }
  }

  function cellText(): string {
    if (type === 's') return strings[Number(value)] ?? ''
    if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE'
    if (type === 'n') return formatCell(Number(value), formats[style], since1904)
    return collapseWhitespace(value)
  }
}

/** Excel's own limit. */
const maxColumns = 16_384

const rowOf = (reference: string) => Number(/^[A-Z]{1,3}(\d{1,7})/i.exec(reference)?.[1] ?? 0)

/** Returns the zero-based column of a reference such as `AB12`. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/i.exec(reference ?? '')?.[0].toUpperCase()
  if (!letters) return undefined
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1
}
