import { type Span, sentenceSpans } from '../../search/index.ts'
import { splitParagraphs } from './paragraphs.ts'
import { alignToCodePoint, wordCount } from './word-count.ts'

/** A sentence, a row or a line of code, which is split only if it is too long. */
export type Unit = Span & { words: number; startsParagraph: boolean }

const words = new Intl.Segmenter('en', { granularity: 'word' })

/**
 * The share of the longest unit up to which a figure with its caption is not split; anything longer is text that
 * follows it.
 */
const maxFigure = 0.5
/** Longer runs are not words. Unspaced scripts are split at the segmenter's word boundaries. */
const maxWordCharacters = 64
/** Maximum characters of a run without any boundary (base64, minified scripts). */
const maxRunCharacters = 400
/** Maximum input of the segmenter, whose time and memory grow with it. */
const maxSegmenterInput = 20_000

/** Splits `text` between two offsets into contiguous units. Units longer than `longest` words are split between words. */
export function splitUnits(
  text: string,
  from: number,
  to: number,
  options: { byLine: boolean; longest: number },
): Unit[] {
  const units: Unit[] = []
  for (const paragraph of splitParagraphs(text, from, to, options.byLine)) {
    let opens = paragraph.startsParagraph
    const isWhole =
      !paragraph.prose ||
      (paragraph.isFigure &&
        wordCount(text.slice(paragraph.start, paragraph.end)) <= maxFigure * options.longest)
    for (const span of isWhole ? [paragraph] : splitSentences(text, paragraph)) {
      for (const piece of splitLongUnit(text, span, options.longest)) {
        units.push({ ...piece, startsParagraph: opens })
        opens = false
      }
    }
  }
  return units
}

function* splitSentences(text: string, paragraph: Span): Generator<Span> {
  for (let from = paragraph.start; from < paragraph.end; ) {
    // The segmenter would treat a line break as the end of a sentence.
    const prose = text.slice(from, segmenterInputEnd(text, from, paragraph.end)).replaceAll('\n', ' ')
    for (const { start, end } of sentenceSpans(prose)) yield { start: from + start, end: from + end }
    from += prose.length
  }
}

/** Returns where to end the segmenter's input: after whitespace if possible, at least between characters. */
function segmenterInputEnd(text: string, from: number, end: number): number {
  const furthest = from + maxSegmenterInput
  if (furthest >= end) return end
  const blank = text.lastIndexOf(' ', furthest - 1)
  return blank > from + maxSegmenterInput / 2 ? blank + 1 : alignToCodePoint(text, furthest)
}

function* splitLongUnit(text: string, span: Span, longest: number): Generator<Span & { words: number }> {
  const whole = wordCount(text.slice(span.start, span.end))
  if (whole <= longest) {
    yield { ...span, words: whole }
    return
  }
  const share = whole / Math.ceil(whole / longest)
  let { start } = span
  let words = 0
  for (const atom of atomsOf(text, span)) {
    const more = wordCount(text.slice(atom.start, atom.end))
    if (words > 0 && words + more > share + 0.5) {
      yield { start, end: atom.start, words }
      start = atom.start
      words = 0
    }
    words += more
  }
  yield { start, end: span.end, words }
}

/** Yields words with the whitespace after them; long runs are split at the segmenter's boundaries, then by length. */
function* atomsOf(text: string, span: Span): Generator<Span> {
  for (const { index, 0: word } of text.slice(span.start, span.end).matchAll(/^\s*\S+\s*|\S+\s*/g)) {
    const start = span.start + index
    if (word.length <= maxWordCharacters) yield { start, end: start + word.length }
    else yield* atomsOfRun(text, start, start + word.length)
  }
}

function* atomsOfRun(text: string, start: number, end: number): Generator<Span> {
  for (let from = start; from < end; ) {
    const to = segmenterInputEnd(text, from, end)
    for (const { index, segment } of words.segment(text.slice(from, to)))
      yield* stretchesOf(text, from + index, from + index + segment.length)
    from = to
  }
}

function* stretchesOf(text: string, from: number, end: number): Generator<Span> {
  for (let start = from; start < end; ) {
    const next = Math.min(end, alignToCodePoint(text, start + maxRunCharacters))
    yield { start, end: next }
    start = next
  }
}
