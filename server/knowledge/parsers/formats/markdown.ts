import { tableHeading } from '../column-names.ts'
import type { ParsedHeading } from '../document.ts'

type Line = { start: number; end: number; text: string }

const maxHeadingCharacters = 200
/** Limits the quadratic time of the pattern of links. */
const maxLineCharacters = 1_000
const fence = /^ {0,3}(```+|~~~+)/
const atx = /^ {0,3}(#{1,6})\s+(\S(?:.*[^\s#])?)[\s#]*$/
/** The line below the column names of a table: `| --- | :-: |`. */
const tableRule = /^[ \t|:-]*$/
const underline = /^ {0,3}(?:(=+)|--+)\s*$/
/** Wiki headings, `== Title ==`, also with spaces between the signs. */
const wiki = /^\s*((?:=\s*){1,6})([^=\s][^=]*)((?:=\s*){1,6})$/
const frontMatter = /^---\n([\s\S]{0,5000}?)\n(?:---|\.\.\.)\n/
const frontTitle = /^title:\s*(['"]?)(.+?)\1\s*$/im
const chapter =
  /^(?:chapter|part|section|article|appendix|annex|kapitel|teil|abschnitt|anhang|chapitre|partie|cap[ií]tulo|capitolo|parte|hoofdstuk|глава|часть)\s+(?:\d+|[ivxlc]+|[a-z])\b.{0,80}$/iu
const numbered = /^(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+\p{Lu}.{1,80}$/u

/** Returns the headings of a Markdown text, wiki headings and the column names of tables included. */
export function headingsOfMarkdown(text: string): ParsedHeading[] {
  return headings(text, headingOfLine)
}

/** Returns the headings of plain text: Markdown headings, and short separate lines like "Chapter 3" or "2.1 Scope". */
export function headingsOfPlainText(text: string): ParsedHeading[] {
  return headings(
    text,
    (line, alone) => headingOfLine(line) ?? (alone ? headingOfLoneLine(line.trim()) : undefined),
  )
}

/** Returns the title from a Markdown file's front matter. */
export function frontMatterTitle(text: string): string | null {
  return frontTitle.exec(frontMatter.exec(text)?.[1] ?? '')?.[2] ?? null
}

type Found = { level: number; text: string } | undefined

function headings(text: string, find: (line: string, alone: boolean) => Found): ParsedHeading[] {
  const found: ParsedHeading[] = []
  let closing: string | undefined
  let before: Line | undefined
  let above: Line | undefined
  let table: { names: string; start: number; end: number } | undefined
  const endTable = () => {
    if (table) found.push(tableHeading(table.names, table.start, table.end))
    table = undefined
  }
  for (const line of linesOf(text, frontMatter.exec(text)?.[0].length ?? 0)) {
    const mark = fence.exec(line.text)?.[1]
    if (table && line.text.includes('|')) table.end = line.end
    else endTable()
    if (closing !== undefined) {
      if (mark?.startsWith(closing)) closing = undefined
    } else if (mark) closing = mark
    else if (!table && above?.text.includes('|') && isTableRule(line.text))
      table = { names: cellsOf(above.text), start: above.start, end: line.end }
    else {
      const rule = above && underline.exec(line.text)
      if (rule && above && isBlank(before) && mayBeUnderlined(above.text))
        found.push({ start: above.start, level: rule[1] ? 1 : 2, text: plain(above.text) })
      else {
        const heading = find(line.text, isBlank(above) && isBlank(lineAt(text, line.end + 1)))
        if (heading) found.push({ start: line.start, ...heading })
      }
    }
    before = above
    above = line
  }
  endTable()
  return found
}

const isTableRule = (line: string) => tableRule.test(line) && line.includes('|') && line.includes('-')

const cellsOf = (row: string) =>
  row
    .split('|')
    .map(plain)
    .filter((cell) => cell !== '')
    .join(' | ')

const mayBeUnderlined = (line: string) => /^\s{0,3}[^\s\-|>*+]/.test(line) && !headingOfLine(line)

function headingOfLine(fullLine: string): Found {
  const line = fullLine.slice(0, maxLineCharacters)
  const [, signs, title] = atx.exec(line) ?? []
  if (signs && title) return { level: signs.length, text: plain(title) }
  const [, opening = '', wikiTitle = '', closing = ''] = wiki.exec(line) ?? []
  const level = opening.replace(/\s/g, '').length
  return wikiTitle && level === closing.replace(/\s/g, '').length
    ? { level, text: plain(wikiTitle) }
    : undefined
}

function headingOfLoneLine(line: string): Found {
  if (line.length > 90 || /[.,;]$/.test(line)) return undefined
  if (chapter.test(line)) return { level: 1, text: line }
  const number = numbered.exec(line)?.[1]
  if (number) return { level: number.split('.').length, text: line }
  const isCapitals = /(?:\p{Lu}\P{Lu}*){4}/u.test(line) && !/\p{Ll}/u.test(line)
  return isCapitals ? { level: 2, text: line } : undefined
}

/** Removes the markup of emphasis, code and links. */
const plain = (markdown: string) =>
  markdown
    .slice(0, maxLineCharacters)
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*`]+|(?<!\w)_+|_+(?!\w)/g, '')
    .trim()
    .slice(0, maxHeadingCharacters)

const isBlank = (line: Line | undefined) => !line || line.text.trim() === ''

/** Yields the lines from an offset on, truncated, because a long line is not a heading. */
function* linesOf(text: string, from: number): Generator<Line> {
  for (let line = lineAt(text, from); line; line = lineAt(text, line.end + 1)) yield line
}

function lineAt(text: string, start: number): Line | undefined {
  if (start >= text.length) return undefined
  const newline = text.indexOf('\n', start)
  const end = newline === -1 ? text.length : newline
  return { start, end, text: text.slice(start, Math.min(end, start + 2 * maxHeadingCharacters)) }
}
