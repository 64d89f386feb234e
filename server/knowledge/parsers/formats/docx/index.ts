import { corrupt } from '../../errors.ts'
import { mainPartOf, relationsOf, titleOf } from '../../office.ts'
import { collapseWhitespace, pageBuilder } from '../../page-builder.ts'
import type { ZipParser } from '../../parser.ts'
import { labelOf } from '../../table.ts'
import { attribute, prefixed } from '../../xml.ts'
import type { Zip } from '../../zip.ts'
import { chartOf } from '../chart.ts'
import { numberingOf } from './numbering.ts'
import { type Paragraph, walk } from './paragraphs.ts'
import { stylesOf } from './styles.ts'

/** Outline level 9 is Word's "body text". */
const maxOutline = 8
/** Word's own limit. */
const maxColumns = 63
/** The list id that removes a paragraph from its style's list. */
const noList = '0'

/** Parses Word documents: headings by style and outline level, numbered lists, tables and charts as rows, notes after
 * their paragraph. */
export const parseDocx: ZipParser = async (zip, { textBudget }) => {
  const part = await mainPartOf(zip)
  if (!part || !zip.has(part)) throw corrupt('it has no text part')
  const relations = await relationsOf(zip, part)
  const partOf = (type: string) => relations.values().find((relation) => relation.type === type)?.target ?? ''
  const kindOf = await stylesOf(zip, partOf('styles'))
  const numberOf = await numberingOf(zip, partOf('numbering'))
  const notes = new Map([
    ...(await notesOf(zip, partOf('footnotes'), 'footnote')),
    ...(await notesOf(zip, partOf('endnotes'), 'endnote')),
  ])
  const charts = new Map<string, Awaited<ReturnType<typeof chartOf>>>()
  for (const [id, { type, target }] of relations)
    if (type === 'chart') charts.set(id, await chartOf(zip, target))
  const page = pageBuilder(textBudget)
  const pending: string[] = []
  const pendingCharts: string[] = []
  const writeCharts = () => {
    for (const id of pendingCharts.splice(0)) charts.get(id)?.(page)
  }
  const writeNotes = (ids: string[]) => {
    for (const id of ids) page.paragraph(notes.get(id) ?? '')
  }
  const emit = (paragraph: Paragraph) => {
    const { text } = paragraph
    const kind = kindOf(paragraph.style)
    const list = paragraph.list.id ?? kind.list.id ?? noList
    const depth = paragraph.list.level ?? kind.list.level ?? 0
    const number = list === noList ? '' : numberOf(list, depth)
    const outline = paragraph.outline ?? kind.outline
    if (outline !== undefined && outline <= maxOutline)
      page.heading(outline + 1, /\w/.test(number) ? `${number} ${text}` : text)
    else if (list !== noList) page.line(text && `${'  '.repeat(depth)}${number} ${text}`)
    else page.paragraph(text)
    writeNotes(paragraph.notes)
    writeCharts()
  }
  const tables: string[][][] = []
  /** The sizes of the cells of the current row, and the labels of the row above, by column. */
  let sizes: { columns: number; isContinued: boolean }[] = []
  let above: string[] = []
  const placeCells = (cells: string[]) => {
    const row: string[] = []
    for (const [i, text] of cells.entries()) {
      const { columns = 1, isContinued = false } = sizes[i] ?? {}
      row.push(isContinued ? (above[row.length] ?? '') : text, ...Array<string>(columns - 1).fill(''))
    }
    above = row.map(labelOf)
    return row
  }
  await walk(zip, part, {
    paragraph(paragraph) {
      const cell = tables.at(-1)?.at(-1)
      if (cell) {
        cell[cell.length - 1] += ` ${paragraph.text}`
        pending.push(...paragraph.notes)
      } else emit(paragraph)
    },
    open(name, attributes) {
      if (name === 'chart') pendingCharts.push(prefixed(attributes, 'id') ?? '')
      const size = tables.length === 1 ? sizes.at(-1) : undefined
      if (name === 'tbl') {
        if (tables.length === 0) {
          page.startTable()
          above = []
        }
        tables.push([])
      } else if (name === 'tr') {
        tables.at(-1)?.push([])
        if (tables.length === 1) sizes = []
      } else if (name === 'tc') {
        tables.at(-1)?.at(-1)?.push('')
        if (tables.length === 1) sizes.push({ columns: 1, isContinued: false })
      } else if (name === 'gridSpan' && size)
        size.columns = Math.min(maxColumns, Math.max(1, Number(attribute(attributes, 'val')) || 1))
      else if (name === 'vMerge' && size) size.isContinued = attribute(attributes, 'val') !== 'restart'
    },
    close(name) {
      if (name === 'tr' && tables.length === 1) page.row(placeCells(tables[0]?.pop() ?? []))
      if (name !== 'tbl') return
      const inner = tables.pop()
      const outer = tables.at(-1)?.at(-1)
      if (outer && inner) outer[outer.length - 1] += ` ${inner.flat().join(' ')}`
      else {
        page.endTable()
        writeNotes(pending.splice(0))
        writeCharts()
      }
    },
  })
  return { title: await titleOf(zip, 'docProps/core.xml'), paged: false, pages: [page.page(1)] }
}

async function notesOf(zip: Zip, part: string, kind: string): Promise<Map<string, string>> {
  const notes = new Map<string, string>()
  let id: string | undefined
  await walk(zip, part, {
    open(name, attributes) {
      if (name === kind)
        id = attribute(attributes, 'type') === undefined ? attribute(attributes, 'id') : undefined
    },
    paragraph({ text }) {
      if (id !== undefined && text)
        notes.set(`${kind} ${id}`, collapseWhitespace(`${notes.get(`${kind} ${id}`) ?? ''} ${text}`))
    },
  })
  return notes
}
