import { isOn } from '../../office.ts'
import { collapseWhitespace } from '../../page-builder.ts'
import { type Attributes, attribute, parseXml } from '../../xml.ts'
import type { Zip } from '../../zip.ts'

/** Properties set on the paragraph itself; its style provides the others. */
export type Paragraph = {
  text: string
  style: string | undefined
  outline: number | undefined
  list: ListPlace
  /** Kind and id of each referenced note. */
  notes: string[]
}

/** A position in a list: the list's id ("0" for none) and the level, from 0. */
export type ListPlace = { id: string | undefined; level: number | undefined }

/** Elements whose content is hidden: tracked deletions, fallbacks of drawings, formulas of fields, phonetic guides. */
const hiddenElements = new Set(['del', 'moveFrom', 'pPrChange', 'rPrChange', 'Fallback', 'instrText', 'rt'])

export type WalkEvents = {
  paragraph: (paragraph: Paragraph) => void
  open?: (name: string, attributes: Attributes) => void
  close?: (name: string) => void
}

/** Walks through a part that contains paragraphs. Those in a text box come before the paragraph that anchors it. */
export async function walk(zip: Zip, part: string, events: WalkEvents): Promise<void> {
  const paragraphs: Paragraph[] = []
  let hidden = 0
  let inRun = false
  let runHidden = false
  let inText = false
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      if (hidden > 0 || hiddenElements.has(name)) {
        hidden += 1
        return
      }
      const paragraph = paragraphs.at(-1)
      switch (name) {
        case 'p':
          paragraphs.push({
            text: '',
            style: undefined,
            outline: undefined,
            list: { id: undefined, level: undefined },
            notes: [],
          })
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
          if (paragraph) paragraph.list.level = Number(attribute(attributes, 'val'))
          break
        case 'numId':
          if (paragraph) paragraph.list.id = attribute(attributes, 'val')
          break
        case 'tab':
          if (paragraph && inRun) paragraph.text += ' '
          break
        case 'br':
        case 'cr':
          if (paragraph) paragraph.text += '\n'
          break
        case 'docPr': {
          const alt = collapseWhitespace(attribute(attributes, 'descr') ?? '').replaceAll(/[[\]]/g, '')
          if (paragraph && alt !== '') paragraph.text += `\n![${alt}]\n`
          break
        }
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
    .map(collapseWhitespace)
    .filter((line) => line !== '')
    .join('\n')
