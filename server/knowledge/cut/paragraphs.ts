export type Span = { start: number; end: number }

/**
 * A paragraph, a list item, or a single row that must not be joined with its neighbours (`prose` false).
 * `opens` marks where a passage may well begin: not in the midst of a list or a table.
 */
export type Paragraph = Span & { prose: boolean; opens: boolean }

type LineKind = 'blank' | 'row' | 'item' | 'prose'

/** Longer lines were not wrapped by hand or by a page: each is a paragraph of its own. */
const widestWrappedLine = 160

const listItem = /^\s*(?:[-*+•◦▪–·]|\(?(?:\d{1,3}|\p{L})[.)])\s/u
const fence = /^\s*(?:```|~~~)/

/**
 * The paragraphs of `text` between two offsets, contiguous: blank lines belong to the paragraph before them.
 * Lines of wrapped prose are one paragraph; rows of tables, fenced code and, with `byLine`, all lines stay lines.
 */
export function paragraphsOf(text: string, from: number, to: number, byLine: boolean): Paragraph[] {
  const paragraphs: Paragraph[] = []
  let fenced = false
  let before: LineKind = 'blank'
  let wrapped = false
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
    const isWrapped = end - start <= widestWrappedLine
    const continues =
      kind === 'blank' ||
      (kind === 'prose' && (before === 'prose' || before === 'item') && wrapped && isWrapped)
    if (previous && continues) previous.end = end
    else paragraphs.push({ start, end, prose: kind !== 'row', opens: kind === 'prose' || kind !== before })
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
