import { Parser as HtmlParser } from 'htmlparser2'
import type { ParsedPage } from '../document.ts'
import { decodeHtml } from '../encoding.ts'
import { collapseWhitespace, type PageBuilder, pageBuilder, type TextBudget } from '../page-builder.ts'
import type { Parser } from '../parser.ts'
import { labelOf } from '../table.ts'

/** Elements whose text is not visible. */
const skipped = new Set(
  'script style template noscript svg select button textarea iframe object canvas audio video rp'.split(' '),
)
/** Whether browsers do not display an element. Tabs hide all but one panel until a reader selects it. */
const isHidden = ({ hidden, role, style = '' }: Record<string, string>) =>
  role !== 'tabpanel' &&
  ((hidden !== undefined && hidden !== 'until-found') || /\bdisplay\s*:\s*none\b/i.test(style))
const blocks = new Set(
  `address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer
  form head header hgroup hr html legend main nav ol p section summary tbody tfoot thead ul`.split(/\s+/),
)
const parserChunkCharacters = 16_384
/** The limit of browsers; the time of the parser grows with the square of the depth. */
const maxDepth = 512
const maxIndents = 20

/** Elements around the content of a web page. */
const boilerplateElements = new Set(['nav', 'aside', 'footer', 'form', 'dialog'])
const boilerplateRoles = new Set(
  'navigation banner contentinfo complementary search dialog alertdialog'.split(' '),
)
/** The minimum share of a page's words that its marked content must contain. */
const minContentShare = 0.25

/** Parses HTML. For a page from the web, keeps only the content that its author marked, if it is long enough. */
export const parseHtml: Parser = async ({ bytes, textBudget, isWebPage }) => {
  const html = decodeHtml(await bytes())
  const read = (part?: Part) => {
    const page = pageBuilder(textBudget)
    const { title } = appendHtml(page, html, part ? { part } : {})
    return { title, paged: false, pages: [withTitle(page.page(1), title, textBudget)] }
  }
  const whole = read()
  const words = (content: typeof whole) => content.pages[0]?.text.match(/\S+/g)?.length ?? 0
  if (!isWebPage) return whole
  const isEnough = (content: typeof whole) => words(content) >= minContentShare * words(whole)
  return (['main', 'article', 'body'] as const).map(read).find(isEnough) ?? whole
}

/**
 * Puts the title before the text, unless the text is empty or already contains it, for example as its first heading.
 */
function withTitle(page: ParsedPage, title: string | null, textBudget: TextBudget): ParsedPage {
  if (title === null || page.text === '' || page.text.includes(title)) return page
  const before = `${title}\n\n`
  textBudget.take(before.length)
  const headings = page.headings.map(({ start, end, ...heading }) => ({
    ...heading,
    start: start + before.length,
    ...(end === undefined ? {} : { end: end + before.length }),
  }))
  return { ...page, text: before + page.text, headings }
}

/** A part of a page: everything inside elements of this name or role, without boilerplate. */
type Part = 'main' | 'article' | 'body'

type Table = {
  cells: string[] | undefined
  inCell: boolean
  /** The sizes of `cells`, in rows and columns. */
  sizes: { rows: number; columns: number }[]
  /** By column, the cells of rows above that reach into the next rows. */
  merged: { label: string; rows: number }[]
}

/** The limit of the HTML standard. */
const maxRows = 65_534
/** More columns in one cell are an idiom for all of them. */
const maxSpan = 100
const spanOf = (value: string | undefined, max: number) =>
  Math.min(max, Math.max(1, Number.parseInt(value ?? '', 10) || 1))

/** Returns the cells of a row at their columns; a cell of several rows is in each of them. */
function placeCells({ cells = [], sizes, merged }: Table): string[] {
  const row: string[] = []
  let next = 0
  while (next < cells.length || row.length < merged.length) {
    const above = merged[row.length]
    if (above && above.rows > 0) {
      above.rows -= 1
      row.push(above.label)
      continue
    }
    const { rows = 1, columns = 1 } = sizes[next] ?? {}
    const text = cells[next] ?? ''
    next += 1
    for (let i = 0; i < columns; i++) {
      merged[row.length] = { label: i === 0 ? labelOf(text) : '', rows: rows - 1 }
      row.push(i === 0 ? text : '')
    }
  }
  return row
}

type List = { ordered: boolean; items: number }

/** Appends the text of an HTML document to a page and returns its title. */
export function appendHtml(
  page: PageBuilder,
  html: string,
  options: { xml?: boolean; part?: Part } = {},
): { title: string | null } {
  const tables: Table[] = []
  const lists: List[] = []
  let title = ''
  let inTitle = false
  const { part } = options
  let skips = 0
  let depth = 0
  /** Names of the open elements inside the part; empty outside of it. */
  const within: string[] = []
  let pre = 0
  let figures = 0
  let text = ''
  let heading: number | undefined
  let mark: string | undefined

  const openCell = () => {
    const table = tables.at(-1)
    return table?.inCell ? table.cells : undefined
  }

  /** Completes the current paragraph, list item or heading. */
  function flush() {
    const cells = openCell()
    const lines =
      pre > 0
        ? [text.trimEnd()]
        : text
            .split('\n')
            .map(collapseWhitespace)
            .filter((line) => line !== '')
    text = ''
    const written = lines.join('\n')
    if (written.trim() === '') return
    if (cells) cells[cells.length - 1] += ` ${written}`
    else if (heading !== undefined) page.heading(heading, written)
    else if (mark !== undefined)
      page.line(`${'  '.repeat(Math.min(maxIndents, Math.max(0, lists.length - 1)))}${mark}${written}`)
    else page.paragraph(written)
    if (!cells && heading === undefined) mark = undefined
  }

  const handler = {
    onopentag(name: string, attributes: Record<string, string>) {
      depth += 1
      if (part) {
        const isPart = name === part || attributes['role'] === part
        if (within.length > 0 || isPart) within.push(name)
      }
      const isAround =
        part &&
        (boilerplateElements.has(name) ||
          boilerplateRoles.has(attributes['role'] ?? '') ||
          'hidden' in attributes)
      if (skips > 0 || skipped.has(name) || isHidden(attributes) || isAround) {
        skips += 1
        return
      }
      if (name === 'title') inTitle = title === ''
      const level = /^h([1-6])$/.exec(name)?.[1]
      if (level) {
        flush()
        heading = Number(level)
      } else if (name === 'br') text += '\n'
      else if (name === 'li') {
        flush()
        const list = lists.at(-1)
        if (list) list.items += 1
        mark = list?.ordered ? `${list.items}. ` : '- '
      } else if (name === 'table') {
        flush()
        // A nested table means the outer one is used for layout, so its cells are ordinary text.
        const outer = tables.at(-1)
        if (outer) flushLayoutRow(outer)
        else page.startTable()
        tables.push({ cells: undefined, inCell: false, sizes: [], merged: [] })
      } else if (name === 'tr') {
        flush()
        const table = tables.at(-1)
        if (table) Object.assign(table, { cells: [], sizes: [] })
      } else if (name === 'td' || name === 'th') {
        flush()
        const table = tables.at(-1)
        if (!table) return
        table.cells ??= []
        table.cells.push('')
        table.sizes.push({
          rows: spanOf(attributes['rowspan'], maxRows),
          columns: spanOf(attributes['colspan'], maxSpan),
        })
        table.inCell = true
      } else if (name === 'img') {
        const alt = collapseWhitespace(attributes['alt'] ?? '').replaceAll(/[[\]]/g, '')
        if (figures > 0 && alt !== '' && (!part || within.length > 0)) text += `\n![${alt}]\n`
      } else if (name === 'figcaption' && figures > 0 && pre === 0) {
        // A line of the same paragraph as the image.
        text += '\n'
      } else if (blocks.has(name)) {
        flush()
        if (name === 'figure') figures += 1
        if (name === 'ul' || name === 'ol') {
          const first = Number.parseInt(attributes['start'] ?? '1', 10)
          lists.push({ ordered: name === 'ol', items: (Number.isNaN(first) ? 1 : first) - 1 })
        }
      } else if (name === 'pre') {
        flush()
        pre += 1
      }
    },
    ontext(more: string) {
      if (inTitle) title += more
      else if (skips === 0 && (!part || within.length > 0)) text += pre > 0 ? more : more.replace(/\s+/g, ' ')
    },
    onclosetag(name: string) {
      depth -= 1
      if (name === 'title') inTitle = false
      within.pop()
      if (skips > 0) {
        skips -= 1
        return
      }
      if (/^h[1-6]$/.test(name)) {
        flush()
        heading = undefined
      } else if (name === 'li') {
        flush()
        mark = undefined
      } else if (name === 'td' || name === 'th') {
        flush()
        const table = tables.at(-1)
        if (table) table.inCell = false
      } else if (name === 'tr') {
        flush()
        const table = tables.at(-1)
        if (table?.cells) page.row(placeCells(table))
        if (table) table.cells = undefined
      } else if (name === 'table') {
        flush()
        tables.pop()
        if (tables.length === 0) page.endTable()
      } else if (name === 'pre') {
        flush()
        pre = Math.max(0, pre - 1)
      } else if (name === 'figcaption' && figures > 0 && pre === 0) text += '\n'
      else if (blocks.has(name)) {
        flush()
        if (name === 'figure') figures = Math.max(0, figures - 1)
        if (name === 'ul' || name === 'ol') lists.pop()
      }
    },
  }

  function flushLayoutRow(table: Table) {
    const before = table.cells?.map(collapseWhitespace).filter((cell) => cell !== '') ?? []
    page.row(before)
    table.cells = undefined
    table.inCell = false
  }

  const createParser = () => new HtmlParser(handler, { recognizeSelfClosing: options.xml ?? false })
  let parser = createParser()
  for (let start = 0; start < html.length; ) {
    const chunk = html.slice(start, start + parserChunkCharacters)
    // A chunk ends before a tag, where the parser can be replaced.
    const tag = chunk.lastIndexOf('<')
    const length = tag > 0 ? tag : chunk.length
    parser.write(chunk.slice(0, length))
    start += length
    if (depth <= maxDepth) continue
    // Closes all open elements.
    parser.end()
    parser = createParser()
  }
  parser.end()
  flush()
  return { title: collapseWhitespace(title) || null }
}
