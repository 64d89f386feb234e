import { corrupt, encrypted, tooManyPages } from '../errors.ts'
import { titleOf } from '../office.ts'
import { collapseWhitespace, type PageBuilder, pageBuilder } from '../page-builder.ts'
import type { ZipParser } from '../parser.ts'
import { appendTable } from '../table.ts'
import { attribute, descendants, parseTree, parseXml } from '../xml.ts'

type Paragraph = { text: string; level: number | undefined }

/** Elements outside the text: tracked deletions, comments, phonetic guides, descriptions of images. */
const hiddenElements = new Set(
  'tracked-changes annotation ruby-text note-citation forms title desc header footer'.split(' '),
)
/** Maximum repetitions of a cell or row; the thousands that pad a sheet are empty. */
const maxRepeats = 100

/**
 * Parses OpenDocument: a text document as one page, other documents as a page per sheet or slide; notes follow their
 * paragraph.
 */
export const parseOdf: ZipParser = async (zip, { type, limits, textBudget, onPage }) => {
  const manifest = await parseTree(zip.chunks('META-INF/manifest.xml'))
  const encryption = ['encryption-data', 'encrypted-key'].flatMap((name) => [...descendants(manifest, name)])
  if (encryption.length > 0) throw encrypted()
  if (!zip.has('content.xml')) throw corrupt('it has no text part')
  const pages: PageBuilder[] = []
  const paragraphs: Paragraph[] = []
  const notes: string[] = []
  let rows: string[][] | undefined
  let cells: string[] | undefined
  let tables = 0
  let lists = 0
  let note = 0
  let hidden = 0
  let isTitle = false
  let repeats = 1

  function addPage(): PageBuilder {
    if (pages.length >= limits.pages && type !== 'odt') throw tooManyPages(pages.length + 1, limits)
    pages.push(pageBuilder(textBudget))
    return current()
  }
  const current = (): PageBuilder => pages.at(-1) ?? addPage()

  function write({ text, level }: Paragraph) {
    const page = current()
    if (note > 0) notes.push(text)
    else if (cells && cells.length > 0) cells[cells.length - 1] += ` ${text}`
    else {
      if (level !== undefined) page.heading(level, text)
      else if (lists > 0) page.line(text && `${'  '.repeat(lists - 1)}- ${text}`)
      else page.paragraph(text)
      for (const text of notes.splice(0)) page.paragraph(text)
    }
  }

  await parseXml(zip.chunks('content.xml'), {
    open(name, attributes) {
      if (hidden > 0 || hiddenElements.has(name)) {
        hidden += 1
        return
      }
      const paragraph = paragraphs.at(-1)
      const repeated = (of: string) =>
        Math.min(maxRepeats, Number(attribute(attributes, `number-${of}-repeated`) ?? 1) || 1)
      if (name === 'p') paragraphs.push({ text: '', level: isTitle ? 1 : undefined })
      else if (name === 'h')
        paragraphs.push({ text: '', level: Number(attribute(attributes, 'outline-level') ?? 1) })
      else if (name === 'list') lists += 1
      else if (name === 'note') note += 1
      else if (name === 'frame') isTitle = attribute(attributes, 'class') === 'title'
      else if (name === 'page') addPage()
      else if (name === 'table') {
        if (type === 'ods' && tables === 0) addPage().heading(1, attribute(attributes, 'name') ?? '')
        if (tables === 0) rows = []
        tables += 1
      } else if (name === 'table-row' && tables === 1) cells = []
      else if ((name === 'table-cell' || name === 'covered-table-cell') && tables === 1) {
        repeats = repeated('columns')
        cells?.push(...Array.from({ length: repeats }, () => ''))
      } else if (paragraph && (name === 's' || name === 'tab')) paragraph.text += ' '
      else if (paragraph && name === 'line-break') paragraph.text += '\n'
    },
    text(text) {
      const paragraph = paragraphs.at(-1)
      if (paragraph && hidden === 0) paragraph.text += text
    },
    close(name) {
      if (hidden > 0) {
        hidden -= 1
        return
      }
      if (name === 'p' || name === 'h') {
        const paragraph = paragraphs.pop()
        const text = paragraph?.text.split('\n').map(collapseWhitespace).join('\n').trim()
        if (text) write({ text, level: paragraph?.level })
      } else if (name === 'list') lists -= 1
      else if (name === 'note') note -= 1
      else if (name === 'frame') isTitle = false
      else if (name === 'page') onPage(pages.length, pages.length)
      else if (name === 'table-cell' && tables === 1) cells?.fill(cells.at(-1) ?? '', -repeats)
      else if (name === 'table-row' && tables === 1) {
        rows?.push(cells ?? [])
        cells = undefined
      } else if (name === 'table') {
        tables -= 1
        if (tables === 0) appendTable(current(), rows ?? [])
      }
    },
  })
  return {
    title: await titleOf(zip, 'meta.xml'),
    paged: type !== 'odt',
    pages: pages.map((page, i) => page.page(i + 1)),
  }
}
