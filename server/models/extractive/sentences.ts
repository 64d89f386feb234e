import { sentenceSpans } from '../../search/index.ts'

/** A sentence or a table row of a passage, verbatim except for line breaks. */
export type Sentence = {
  text: string
  /** The first row of the table, for any other row. */
  header?: string
}

/**
 * Splits a passage into sentences. A line with tabs or bars is a table row and one sentence. Wrapped lines are joined
 * first; the marks of Markdown headings are removed.
 */
export function splitSentences(passage: string): Sentence[] {
  const sentences: Sentence[] = []
  let prose: string[] = []
  let header: string | undefined
  const flushProse = () => {
    for (const block of joinWrappedLines(prose)) sentences.push(...split(block).map((text) => ({ text })))
    prose = []
  }
  for (const line of passage.split(/\r?\n|\u2028|\u2029/)) {
    if (isRow(line)) {
      flushProse()
      const text = line.trim()
      // The separator row of a Markdown table contains no words.
      if (!/[\p{L}\p{N}]/u.test(text)) continue
      sentences.push(header === undefined ? { text } : { text, header })
      header ??= text
    } else {
      header = undefined
      prose.push(line)
    }
  }
  flushProse()
  return sentences
}

const isRow = (line: string) => /\S\t+\S/.test(line) || (line.match(/\|/g)?.length ?? 0) >= 2

/** Joins lines to blocks of text. A short line (a heading, the end of a paragraph) or a list item ends a
 * block, unless the next line continues its sentence in lower case. */
function joinWrappedLines(lines: string[]): string[] {
  const width = Math.max(0, ...lines.map((line) => line.trim().length))
  const blocks: string[] = []
  let isOpen = false
  let afterBlank = true
  for (const line of lines) {
    const text = line.trim()
    if (text === '') {
      isOpen = false
      afterBlank = true
      continue
    }
    const startsItem = /^(?:[-*•‣▪–]|\d{1,3}[.)]|#{1,6})\s/.test(text)
    const isContinuation = /^\p{Ll}/u.test(text) && /[\p{L}\p{N},]$/u.test(blocks.at(-1) ?? '')
    if ((isOpen || (isContinuation && !afterBlank)) && !startsItem) blocks[blocks.length - 1] += ` ${text}`
    else blocks.push(text.replace(/^#{1,6}\s+/, ''))
    isOpen = text.length >= width * 0.7 && width >= 40
    afterBlank = false
  }
  return blocks
}

const split = (block: string): string[] =>
  [...sentenceSpans(block)]
    .map(({ start, end }) => block.slice(start, end).trim())
    .filter((part) => part !== '')
