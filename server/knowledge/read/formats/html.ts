import { Parser } from 'htmlparser2'
import { decodeHtml } from '../encoding.ts'
import type { Format } from '../format.ts'
import { inline, type PageText, pageText } from '../page-text.ts'

/** Elements whose text nobody reads. */
const skipped = new Set(
  'script style template noscript svg select button textarea iframe object canvas audio video rp'.split(' '),
)
const blocks = new Set(
  `address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer
  form head header hgroup hr html legend main nav ol p section summary tbody tfoot thead ul`.split(/\s+/),
)
const parsedAtOnce = 65_536

/** What stands around the content of a page on the web. */
const around = new Set(['nav', 'aside', 'footer', 'form', 'dialog'])
const aroundByRole = new Set(
  'navigation banner contentinfo complementary search dialog alertdialog'.split(' '),
)
/** Where less than this of a page's words would remain, what was taken for its content is not. */
const leastContent = 0.25

/**
 * HTML: headings, lists, rows of tables, preformatted text. A file is read whole, nothing is taken for clutter and
 * dropped; of a page from the web only what its author marked as its content is read, where that is most of it.
 */
export const readHtml: Format = async ({ bytes, spent, isWebPage }) => {
  const html = decodeHtml(await bytes())
  const read = (part?: Part) => {
    const page = pageText(spent)
    const { title } = htmlInto(page, html, part ? { part } : {})
    return { title, paged: false, pages: [page.page(1)] }
  }
  const whole = read()
  const words = (content: typeof whole) => content.pages[0]?.text.match(/\S+/g)?.length ?? 0
  if (!isWebPage) return whole
  const isEnough = (content: typeof whole) => words(content) >= leastContent * words(whole)
  return (['main', 'article', 'body'] as const).map(read).find(isEnough) ?? whole
}

/** A part of a page: all that is within elements of this name (or role), without what stands around content. */
type Part = 'main' | 'article' | 'body'

type Table = { cells: string[] | undefined; inCell: boolean }
type List = { ordered: boolean; items: number }

/** Writes what an HTML text says to a page and returns the title it gives itself. */
export function htmlInto(
  page: PageText,
  html: string,
  options: { xml?: boolean; part?: Part } = {},
): { title: string | null } {
  const tables: Table[] = []
  const lists: List[] = []
  let title = ''
  let inTitle = false
  const { part } = options
  let skips = 0
  /** Names of the open elements since the part began; empty outside of it. */
  const within: string[] = []
  let pre = 0
  let text = ''
  let heading: number | undefined
  let mark: string | undefined

  const openCell = () => {
    const table = tables.at(-1)
    return table?.inCell ? table.cells : undefined
  }

  /** Ends the paragraph, item or heading that was being written. */
  function flush() {
    const cells = openCell()
    const lines =
      pre > 0
        ? [text.trimEnd()]
        : text
            .split('\n')
            .map(inline)
            .filter((line) => line !== '')
    text = ''
    const written = lines.join('\n')
    if (written.trim() === '') return
    if (cells) cells[cells.length - 1] += ` ${written}`
    else if (heading !== undefined) page.heading(heading, written)
    else if (mark !== undefined) page.line(`${'  '.repeat(Math.max(0, lists.length - 1))}${mark}${written}`)
    else page.paragraph(written)
    if (!cells && heading === undefined) mark = undefined
  }

  const handler = {
    onopentag(name: string, attributes: Record<string, string>) {
      if (part) {
        const isPart = name === part || attributes['role'] === part
        if (within.length > 0 || isPart) within.push(name)
      }
      const isAround =
        part && (around.has(name) || aroundByRole.has(attributes['role'] ?? '') || 'hidden' in attributes)
      if (skips > 0 || skipped.has(name) || isAround) {
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
        // A table in a cell is layout: what the cell holds is text of its own.
        const outer = tables.at(-1)
        if (outer) layOut(outer)
        else page.startTable()
        tables.push({ cells: undefined, inCell: false })
      } else if (name === 'tr') {
        flush()
        const table = tables.at(-1)
        if (table) table.cells = []
      } else if (name === 'td' || name === 'th') {
        flush()
        const table = tables.at(-1)
        if (!table) return
        table.cells ??= []
        table.cells.push('')
        table.inCell = true
      } else if (blocks.has(name)) {
        flush()
        if (name === 'ul' || name === 'ol') lists.push({ ordered: name === 'ol', items: 0 })
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
        if (table?.cells) page.row(table.cells)
        if (table) table.cells = undefined
      } else if (name === 'table') {
        flush()
        tables.pop()
        if (tables.length === 0) page.endTable()
      } else if (name === 'pre') {
        flush()
        pre = Math.max(0, pre - 1)
      } else if (blocks.has(name)) {
        flush()
        if (name === 'ul' || name === 'ol') lists.pop()
      }
    },
  }

  function layOut(table: Table) {
    const before = table.cells?.map(inline).filter((cell) => cell !== '') ?? []
    page.row(before)
    table.cells = undefined
    table.inCell = false
  }

  const parser = new Parser(handler, { recognizeSelfClosing: options.xml ?? false })
  for (let start = 0; start < html.length; start += parsedAtOnce)
    parser.write(html.slice(start, start + parsedAtOnce))
  parser.end()
  flush()
  return { title: inline(title) || null }
}
