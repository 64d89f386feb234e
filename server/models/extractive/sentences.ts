import { sentenceSpans } from '../../search/index.ts'

/** A sentence or a table row of a passage, verbatim except for line breaks. */
export type Sentence = {
  text: string
  /** The first row of the table, for any other row. */
  header?: string
  /** Names the subject of what follows but is not an answer: a heading, a question, the first row of a table. */
  isHeading?: true
}

/**
 * Splits a passage into sentences. A line with tabs or bars is a table row and one sentence. Wrapped lines are joined
 * first; the marks of Markdown headings, list items and table edges are removed.
 */
export function splitSentences(passage: string): Sentence[] {
  const sentences: Sentence[] = []
  let prose: string[] = []
  let header: Sentence | undefined
  const flushProse = () => {
    for (const { text, isHeading } of withHeadings(joinWrappedLines(prose)))
      for (const sentence of split(text))
        sentences.push({ text: sentence, ...((isHeading || question.test(sentence)) && { isHeading: true }) })
    prose = []
  }
  for (const line of passage.split(/\r?\n|\u2028|\u2029/)) {
    if (isRow(line)) {
      flushProse()
      const text = line.trim().replace(/^\|/, '').replace(/\|$/, '').trim()
      // The separator row of a Markdown table contains no words.
      if (!/[\p{L}\p{N}]/u.test(text)) continue
      if (header) {
        header.isHeading = true
        sentences.push({ text, header: header.text })
      } else {
        header = { text }
        sentences.push(header)
      }
    } else {
      header = undefined
      prose.push(line)
    }
  }
  flushProse()
  return sentences
}

const isRow = (line: string) => /\S\t+\S/.test(line) || (line.match(/\|/g)?.length ?? 0) >= 2

const question = /[?？]$/u
const listMark = /^[-*•‣▪–]\s+/
const itemMark = /^(?:[-*•‣▪–]|\d{1,3}[.)]|#{1,6})\s/
const headingMark = /^#{1,6}\s+/

/** A block of text. `isSeparate`: one line between blank lines. */
type Block = { text: string; isSeparate: boolean }

/** Joins lines to blocks of text. A short line (a heading, the end of a paragraph) or a list item ends a
 * block, unless the next line continues its sentence in lower case. */
function joinWrappedLines(lines: string[]): Block[] {
  const width = Math.max(0, ...lines.map((line) => line.trim().length))
  const blocks: Block[] = []
  let isOpen = false
  let afterBlank = true
  for (const [i, line] of lines.entries()) {
    const text = line.trim()
    if (text === '') {
      isOpen = false
      afterBlank = true
      continue
    }
    const last = blocks.at(-1)
    const isContinuation = /^\p{Ll}/u.test(text) && /[\p{L}\p{N},]$/u.test(last?.text ?? '')
    if (last && (isOpen || (isContinuation && !afterBlank)) && !itemMark.test(text)) {
      last.text += ` ${text}`
      last.isSeparate = false
    } else blocks.push({ text, isSeparate: afterBlank && lines[i + 1]?.trim() === '' })
    isOpen = text.length >= width * 0.7 && width >= 40
    afterBlank = false
  }
  return blocks
}

/**
 * Tells headings from text, by their marks or as separate lines before a text. A line with a number or a colon, such as
 * a date or a telephone number, may be an answer.
 */
function withHeadings(blocks: Block[]): { text: string; isHeading: boolean }[] {
  const isTitle = (block: Block | undefined) =>
    block !== undefined &&
    (headingMark.test(block.text) ||
      (block.isSeparate && !/[\p{Nd}:：@]|[.!…。！]["'”’»)）]?$/u.test(block.text)))
  return blocks.map((block, i) => ({
    text: block.text.replace(headingMark, '').replace(listMark, ''),
    isHeading:
      headingMark.test(block.text) || (isTitle(block) && i + 1 < blocks.length && !isTitle(blocks[i + 1])),
  }))
}

const split = (block: string): string[] =>
  [...sentenceSpans(block)]
    .map(({ start, end }) => block.slice(start, end).trim())
    .filter((part) => part !== '')
