import type { Span } from '../../search/index.ts'

/**
 * A paragraph, a list item, or a single row that must not be joined with its neighbours (`prose` false).
 * `startsParagraph` marks where a passage may begin: not inside a list or a table.
 */
export type Paragraph = Span & { prose: boolean; startsParagraph: boolean }

type LineKind = 'blank' | 'row' | 'item' | 'prose'

/** Longer lines are not wrapped text, so each is a paragraph. */
const maxWrappedLineCharacters = 160

const listItem = /^\s*(?:[-*+•◦▪–·]|\(?(?:\d{1,3}|\p{L})[.)])\s/u
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
    const continues =
      kind === 'blank' ||
      (kind === 'prose' && (before === 'prose' || before === 'item') && wrapped && isWrapped)
    if (previous && continues) previous.end = end
    else
      paragraphs.push({
        start,
        end,
        prose: kind !== 'row',
        startsParagraph: kind === 'prose' || kind !== before,
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
