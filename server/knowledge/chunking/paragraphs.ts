import type { Span } from '../../search/index.ts'

/**
 * A paragraph, a list item, or a single row that must not be joined with its neighbours (`prose` false).
 * `startsParagraph` marks where a passage may begin: not inside a list or a table.
 */
export type Paragraph = Span & {
  prose: boolean
  startsParagraph: boolean
  /** Whether it is an image with its caption, or a caption with the first row of its table. */
  isFigure: boolean
}

type LineKind = 'blank' | 'row' | 'item' | 'prose'

/** Longer lines are not wrapped text, so each is a paragraph. */
const maxWrappedLineCharacters = 160

const listItem = /^\s*(?:[-*+•◦▪–·]|\(?(?:\d{1,3}|\p{L})[.)])\s/u
/** Names of figures and tables in the languages of the page, as written before a number. */
const figureNames =
  'figure figura figuur fig abbildung abb chart exhibit рисунок рис table tableau tabelle tabella tabla tabela tabel таблица 图 圖 図 表 그림 표'
    .split(' ')
    .flatMap((name) => [name, name.replace(/^./u, (letter) => letter.toUpperCase()), name.toUpperCase()])
/** "Figure 3: Revenue", "Fig. 3.1 Revenue" and "图 3 收入", but not "Figure 3 shows that". */
const caption = new RegExp(
  `^\\s{0,8}[*_]{0,3}(?:${figureNames.join('|')})\\.?\\s?\\d{1,3}(?:[.-]\\d{1,3})?[*_]{0,3}(?:\\s{0,2}[:.|–—-]|\\s?$|\\s{1,3}[\\p{Lu}\\p{Lo}])`,
  'u',
)
/** An image in Markdown, on a line of its own. */
const image = /^\s{0,8}!\[[^\]]{0,2000}\](?:\([^)]{0,2000}\))?\s*$/
const fence = /^\s*(?:```|~~~)/

/**
 * Splits `text` between two offsets into contiguous paragraphs, which include the blank lines after them. Wrapped prose
 * is one paragraph. Table rows, fenced code and, with `byLine`, all lines stay separate.
 */
export function splitParagraphs(text: string, from: number, to: number, byLine: boolean): Paragraph[] {
  const paragraphs: Paragraph[] = []
  let fenced = false
  let before: LineKind = 'blank'
  let wrapped = false
  /** The kind of the preceding lines with text: an image without a caption yet, or a caption. */
  let figure: 'image' | 'caption' | undefined
  for (const { start, end } of linesOf(text, from, to)) {
    const line = text.slice(start, end)
    const isFence = fence.test(line)
    const kind =
      line.trim() === ''
        ? 'blank'
        : byLine || fenced || isFence || isRow(line)
          ? 'row'
          : listItem.test(line)
            ? 'item'
            : 'prose'
    if (isFence) fenced = !fenced
    const previous = paragraphs.at(-1)
    const isWrapped = end - start <= maxWrappedLineCharacters
    const part =
      kind !== 'prose' ? undefined : image.test(line) ? 'image' : caption.test(line) ? 'caption' : undefined
    const isCaptionOfImage =
      figure === 'image' &&
      kind === 'prose' &&
      (part === 'caption' || (part === undefined && before === 'prose'))
    const continues =
      kind === 'blank' ||
      isCaptionOfImage ||
      (kind === 'row' && figure === 'caption' && !fenced && !isFence) ||
      (kind === 'prose' &&
        part === undefined &&
        (before === 'prose' || before === 'item') &&
        wrapped &&
        isWrapped)
    if (kind !== 'blank')
      figure = isCaptionOfImage ? 'caption' : continues && kind === 'prose' ? figure : part
    if (previous && continues) previous.end = end
    else
      paragraphs.push({
        start,
        end,
        prose: kind !== 'row',
        startsParagraph: kind === 'prose' || kind !== before,
        isFigure: part !== undefined,
      })
    wrapped = isWrapped
    if (kind !== 'prose' || before !== 'item' || !continues) before = kind
  }
  return paragraphs
}

const isRow = (line: string) => line.includes('\t') || line.trimStart().startsWith('|')

function* linesOf(text: string, from: number, to: number): Generator<Span> {
  let start = from
  while (start < to) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 || newline >= to ? to : newline + 1
    yield { start, end }
    start = end
  }
}
