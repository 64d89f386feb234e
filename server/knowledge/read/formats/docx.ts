import type { ZipFormat } from '../format.ts'
import { isOn, mainPartOf, relationsOf, titleOf } from '../office.ts'
import { inline, pageText } from '../page-text.ts'
import { corrupt } from '../unreadable.ts'
import { type Attributes, attribute, parseXml } from '../xml.ts'
import type { Zip } from '../zip.ts'

type Style = { name: string; basedOn: string | undefined; outline: number | undefined; list: boolean }
type Paragraph = {
  text: string
  style: string | undefined
  outline: number | undefined
  depth: number | undefined
  /** Of the notes that it refers to. */
  notes: string[]
}
/** Where paragraphs end up: on the page, or in a cell of a table. */
type Sink = { paragraph: (paragraph: Paragraph) => void }

/** There, but not shown: struck by tracked changes, a drawing's fallback, a field's formula, the reading aid above a word. */
const notShown = new Set(['del', 'moveFrom', 'Fallback', 'instrText', 'rt'])
/** Outline level 9 is Word's "body text". */
const deepestOutline = 8

/** Word: headings through the styles' own names and outline levels, lists, tables as rows, notes after their paragraph. */
export const readDocx: ZipFormat = async (zip, { spent }) => {
  const part = await mainPartOf(zip)
  if (!part || !zip.has(part)) throw corrupt('it has no text part')
  const relations = [...(await relationsOf(zip, part)).values()]
  const partOf = (type: string) => relations.find((relation) => relation.type === type)?.target ?? ''
  const styles = await stylesOf(zip, partOf('styles'))
  const notes = new Map([
    ...(await notesOf(zip, partOf('footnotes'), 'footnote')),
    ...(await notesOf(zip, partOf('endnotes'), 'endnote')),
  ])
  const page = pageText(spent)
  const pending: string[] = []
  const writeNotes = (ids: string[]) => {
    for (const id of ids) page.paragraph(notes.get(id) ?? '')
  }
  const emit = ({ text, style, outline, depth, notes: own }: Paragraph) => {
    const kind = kindOf(styles, style)
    const level = outline ?? kind.outline
    if (level !== undefined && level <= deepestOutline) page.heading(level + 1, text)
    else if (depth !== undefined || kind.list) page.line(text && `${'  '.repeat(depth ?? 0)}- ${text}`)
    else page.paragraph(text)
    writeNotes(own)
  }
  const tables: string[][][] = []
  await walk(zip, part, {
    paragraph(paragraph) {
      const cell = tables.at(-1)?.at(-1)
      if (cell) {
        cell[cell.length - 1] += ` ${paragraph.text}`
        pending.push(...paragraph.notes)
      } else emit(paragraph)
    },
    open(name) {
      if (name === 'tbl') {
        if (tables.length === 0) page.startTable()
        tables.push([])
      } else if (name === 'tr') tables.at(-1)?.push([])
      else if (name === 'tc') tables.at(-1)?.at(-1)?.push('')
    },
    close(name) {
      if (name === 'tr' && tables.length === 1) page.row(tables[0]?.pop() ?? [])
      if (name !== 'tbl') return
      const inner = tables.pop()
      const outer = tables.at(-1)?.at(-1)
      if (outer && inner) outer[outer.length - 1] += ` ${inner.flat().join(' ')}`
      else {
        page.endTable()
        writeNotes(pending.splice(0))
      }
    },
  })
  return { title: await titleOf(zip, 'docProps/core.xml'), paged: false, pages: [page.page(1)] }
}

type WalkEvents = Sink & {
  open?: (name: string, attributes: Attributes) => void
  close?: (name: string) => void
}

/** Goes through a part with paragraphs; those in a text box come before the paragraph that it is anchored in. */
async function walk(zip: Zip, part: string, events: WalkEvents): Promise<void> {
  const paragraphs: Paragraph[] = []
  let hidden = 0
  let inRun = false
  let runHidden = false
  let inText = false
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      if (hidden > 0 || notShown.has(name)) {
        hidden += 1
        return
      }
      const paragraph = paragraphs.at(-1)
      switch (name) {
        case 'p':
          paragraphs.push({ text: '', style: undefined, outline: undefined, depth: undefined, notes: [] })
          break
        case 'r':
          inRun = true
          runHidden = false
          break
        case 'vanish':
          if (inRun) runHidden = isOn(attributes)
          break
        case 't':
          inText = true
          break
        case 'pStyle':
          if (paragraph) paragraph.style = attribute(attributes, 'val')
          break
        case 'outlineLvl':
          if (paragraph) paragraph.outline = Number(attribute(attributes, 'val'))
          break
        case 'ilvl':
          if (paragraph) paragraph.depth = Number(attribute(attributes, 'val'))
          break
        case 'tab':
          if (paragraph && inRun) paragraph.text += ' '
          break
        case 'br':
        case 'cr':
          if (paragraph) paragraph.text += '\n'
          break
        case 'noBreakHyphen':
          if (paragraph) paragraph.text += '-'
          break
        case 'footnoteReference':
        case 'endnoteReference':
          paragraph?.notes.push(`${name.slice(0, -'Reference'.length)} ${attribute(attributes, 'id')}`)
          break
        default:
          events.open?.(name, attributes)
      }
    },
    text(text) {
      const paragraph = paragraphs.at(-1)
      if (inText && !runHidden && hidden === 0 && paragraph) paragraph.text += text
    },
    close(name) {
      if (hidden > 0) {
        hidden -= 1
        return
      }
      if (name === 't') inText = false
      else if (name === 'r') inRun = false
      else if (name === 'p') {
        const paragraph = paragraphs.pop()
        if (paragraph) events.paragraph({ ...paragraph, text: linesOf(paragraph.text) })
      } else events.close?.(name)
    },
  })
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map(inline)
    .filter((line) => line !== '')
    .join('\n')

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
        notes.set(`${kind} ${id}`, inline(`${notes.get(`${kind} ${id}`) ?? ''} ${text}`))
    },
  })
  return notes
}

async function stylesOf(zip: Zip, part: string): Promise<Map<string, Style>> {
  const styles = new Map<string, Style>()
  let style: Style | undefined
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      const value = attribute(attributes, 'val')
      if (name === 'style') {
        style = { name: '', basedOn: undefined, outline: undefined, list: false }
        styles.set(attribute(attributes, 'styleId') ?? '', style)
      } else if (!style) return
      else if (name === 'name') style.name = value?.toLowerCase() ?? ''
      else if (name === 'basedOn') style.basedOn = value
      else if (name === 'outlineLvl') style.outline = Number(value)
      else if (name === 'numPr') style.list = true
    },
    close(name) {
      if (name === 'style') style = undefined
    },
  })
  return styles
}

/** What a style says of its paragraphs, through the styles it is based on. */
function kindOf(
  styles: Map<string, Style>,
  id: string | undefined,
): { outline: number | undefined; list: boolean } {
  let list = false
  const seen = new Set<string>()
  for (let at = id; at !== undefined && !seen.has(at); at = styles.get(at)?.basedOn) {
    seen.add(at)
    const style = styles.get(at)
    const byName = /^heading (\d)$/.exec(style?.name ?? '')?.[1]
    const outline = byName ? Number(byName) - 1 : style?.name === 'title' ? 0 : style?.outline
    if (outline !== undefined) return { outline, list: false }
    list ||= style?.list ?? false
  }
  return { outline: undefined, list }
}
