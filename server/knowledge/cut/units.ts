import { paragraphsOf, type Span } from './paragraphs.ts'
import { wholeCharacters, wordsIn } from './size.ts'

/** The smallest thing that is kept whole: a sentence, a row, a line of code. */
export type Unit = Span & { words: number; opensParagraph: boolean }

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
const words = new Intl.Segmenter('en', { granularity: 'word' })

/** Longer words are not words; an unspaced script is cut by the segmenter's. */
const longestWord = 64
/** A run without any place to cut (base64, a minified script) is cut after this many characters. */
const longestRun = 400
/** The segmenter's time and memory grow with what it is given at once. */
const segmentAtOnce = 20_000

const abbreviated =
  /(?:^|[\s(„“"'])(?:\p{Lu}|Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|Nos?|Nr|Figs?|Abb|Tab|Eq|Sec|Ch|Vol|pp?|cf|ca|al|approx|[dzu]\.\s?[haB]|[ei]\.\s?[ge]|bzw|usw|vgl|inkl|ggf|Art|Abs|Str)\.\s*$/u
const ordinal = /\d\.\s*$/
const month = /^(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)/

/**
 * The units of `text` between two offsets, contiguous.
 * A unit longer than `longest` words is cut between words, one without words between characters.
 */
export function unitsOf(
  text: string,
  from: number,
  to: number,
  options: { byLine: boolean; longest: number },
): Unit[] {
  const units: Unit[] = []
  for (const paragraph of paragraphsOf(text, from, to, options.byLine)) {
    let opens = paragraph.opens
    for (const span of paragraph.prose ? sentencesOf(text, paragraph) : [paragraph]) {
      for (const piece of piecesOf(text, span, options.longest)) {
        units.push({ ...piece, opensParagraph: opens })
        opens = false
      }
    }
  }
  return units
}

function* sentencesOf(text: string, paragraph: Span): Generator<Span> {
  for (let from = paragraph.start; from < paragraph.end; ) {
    // A line end inside a paragraph is a blank: the segmenter would take it for the end of a sentence.
    const prose = text.slice(from, stretchEnd(text, from, paragraph.end)).replaceAll('\n', ' ')
    let start = 0
    for (const { index, segment } of sentences.segment(prose)) {
      const end = index + segment.length
      if (end < prose.length && isInside(prose, start, end)) continue
      yield { start: from + start, end: from + end }
      start = end
    }
    from += prose.length
  }
}

/** Where to stop when a text is too long for the segmenter: after a blank, or at least between characters. */
function stretchEnd(text: string, from: number, end: number): number {
  const furthest = from + segmentAtOnce
  if (furthest >= end) return end
  const blank = text.lastIndexOf(' ', furthest - 1)
  return blank > from + segmentAtOnce / 2 ? blank + 1 : wholeCharacters(text, furthest)
}

/** Whether the boundary the segmenter found comes from an abbreviation or a German date rather than from a sentence's end. */
function isInside(prose: string, start: number, end: number): boolean {
  const before = prose.slice(Math.max(start, end - 16), end)
  return abbreviated.test(before) || (ordinal.test(before) && month.test(prose.slice(end, end + 3)))
}

function* piecesOf(text: string, span: Span, longest: number): Generator<Span & { words: number }> {
  const whole = wordsIn(text.slice(span.start, span.end))
  if (whole <= longest) {
    yield { ...span, words: whole }
    return
  }
  const share = whole / Math.ceil(whole / longest)
  let { start } = span
  let words = 0
  for (const atom of atomsOf(text, span)) {
    const more = wordsIn(text.slice(atom.start, atom.end))
    if (words > 0 && words + more > share + 0.5) {
      yield { start, end: atom.start, words }
      start = atom.start
      words = 0
    }
    words += more
  }
  yield { start, end: span.end, words }
}

/** Words with the blanks after them; what has no blanks by the segmenter's words, and those by length. */
function* atomsOf(text: string, span: Span): Generator<Span> {
  for (const { index, 0: word } of text.slice(span.start, span.end).matchAll(/\s*\S+\s*/g)) {
    const start = span.start + index
    if (word.length <= longestWord) yield { start, end: start + word.length }
    else yield* atomsOfRun(text, start, start + word.length)
  }
}

function* atomsOfRun(text: string, start: number, end: number): Generator<Span> {
  for (let from = start; from < end; ) {
    const to = stretchEnd(text, from, end)
    for (const { index, segment } of words.segment(text.slice(from, to)))
      yield* stretchesOf(text, from + index, from + index + segment.length)
    from = to
  }
}

function* stretchesOf(text: string, from: number, end: number): Generator<Span> {
  for (let start = from; start < end; ) {
    const next = Math.min(end, wholeCharacters(text, start + longestRun))
    yield { start, end: next }
    start = next
  }
}
