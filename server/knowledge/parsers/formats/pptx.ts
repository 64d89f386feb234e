import { corrupt, tooManyPages } from '../errors.ts'
import { mainPartOf, relationsOf, titleOf } from '../office.ts'
import { collapseWhitespace, type PageBuilder, pageBuilder } from '../page-builder.ts'
import type { ZipParser } from '../parser.ts'
import { labelOf } from '../table.ts'
import { descendants, parseTree, parseXml, prefixed } from '../xml.ts'
import type { Zip } from '../zip.ts'
import { chartOf } from './chart.ts'

/** Placeholders that repeat on every slide. */
const repeatedPlaceholders = new Set(['dt', 'ftr', 'hdr', 'sldNum', 'sldImg'])

/** Parses PowerPoint: a page per visible slide with its title as heading, tables and charts as rows, and speaker notes last. */
export const parsePptx: ZipParser = async (zip, { limits, textBudget, onPage }) => {
  const main = await mainPartOf(zip)
  if (!main || !zip.has(main)) throw corrupt('it has no list of slides')
  const relations = await relationsOf(zip, main)
  const slides = [...descendants(await parseTree(zip.chunks(main)), 'sldId')].map(({ attributes }) =>
    prefixed(attributes, 'id'),
  )
  if (slides.length > limits.pages) throw tooManyPages(slides.length, limits)
  const pages = []
  for (const [i, id] of slides.entries()) {
    const part = relations.get(id ?? '')?.target ?? ''
    const page = pageBuilder(textBudget)
    const isShown = await readShapes(zip, part, (shape) => writeShape(shape, page), page)
    const related = isShown ? [...(await relationsOf(zip, part)).values()] : []
    for (const { type, target } of related) {
      if (type === 'diagramData') await readShapes(zip, target, (shape) => writeLines(shape, page), page)
      if (type === 'chart') (await chartOf(zip, target))(page)
    }
    for (const { type, target } of related)
      if (type === 'notesSlide') await readShapes(zip, target, (shape) => writeNotes(shape, page), page)
    pages.push(page.page(i + 1))
    onPage(i + 1, slides.length)
  }
  return { title: await titleOf(zip, 'docProps/core.xml'), paged: true, pages }
}

function writeShape(shape: Shape, page: PageBuilder) {
  const { placeholder, lines } = shape
  if (placeholder && repeatedPlaceholders.has(placeholder)) return
  if (placeholder === 'title' || placeholder === 'ctrTitle')
    page.heading(1, lines.map(({ text }) => text).join(' '))
  else if (placeholder) writeLines(shape, page)
  else for (const { text } of lines) page.paragraph(text)
}

function writeLines({ lines }: Shape, page: PageBuilder) {
  if (lines.length === 1) page.paragraph(lines[0]?.text ?? '')
  else for (const { text, level } of lines) page.line(`${'  '.repeat(level)}- ${text}`)
}

function writeNotes({ placeholder, lines }: Shape, page: PageBuilder) {
  if (placeholder === 'body' && lines.length > 0)
    page.paragraph(`Notes: ${lines.map(({ text }) => text).join('\n')}`)
}

type Shape = { placeholder: string | undefined; lines: { text: string; level: number }[] }

/** Appends the text of a slide, its notes or a diagram by shape; returns false when the slide is hidden. */
async function readShapes(
  zip: Zip,
  part: string,
  write: (shape: Shape) => void,
  page: PageBuilder,
): Promise<boolean> {
  let isShown = true
  let shape: Shape | undefined
  let line: { text: string; level: number } | undefined
  let cells: string[] | undefined
  /** What cells of the row above repeat in the row, if they are merged with it. */
  let above: string[] = []
  let inText = false
  let skipped = 0
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      if (skipped > 0 || name === 'Fallback') skipped += 1
      else if (name === 'sld') isShown = attributes['show'] !== '0'
      else if (name === 'sp' || name === 'pt') shape = { placeholder: undefined, lines: [] }
      else if (name === 'ph' && shape) shape.placeholder = attributes['type'] ?? 'body'
      else if (name === 'tbl') {
        page.startTable()
        above = []
      } else if (name === 'tr') cells = []
      else if (name === 'tc')
        cells?.push(/^(?:1|true)$/.test(attributes['vMerge'] ?? '') ? (above[cells.length] ?? '') : '')
      else if (name === 'p') line = { text: '', level: 0 }
      else if (name === 'pPr' && line) line.level = Number(attributes['lvl'] ?? 0)
      else if (name === 't') inText = true
      else if (name === 'br' && line) line.text += '\n'
    },
    text(text) {
      if (inText && skipped === 0 && line) line.text += text
    },
    close(name) {
      if (skipped > 0) skipped -= 1
      else if (name === 't') inText = false
      else if (name === 'p') {
        const text = collapseWhitespace(line?.text ?? '')
        if (cells && cells.length > 0) cells[cells.length - 1] += ` ${text}`
        else if (text !== '' && line) shape?.lines.push({ text, level: line.level })
        line = undefined
      } else if (name === 'tr') {
        if (isShown) page.row(cells ?? [])
        above = cells?.map(labelOf) ?? []
        cells = undefined
      } else if (name === 'tbl') page.endTable()
      else if (name === 'sp' || name === 'pt') {
        if (shape && isShown) write(shape)
        shape = undefined
      }
    },
  })
  return isShown
}
