/** Half-open, in UTF-16 code units. */
export type Span = { start: number; end: number }

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

/** Words that end in a period within a sentence, of the languages of the page. */
const abbreviations = new Set(
  `mr mrs ms dr prof st vs etc fig figs no nos vol pp p ed eds jr sr inc ltd co corp approx dept est e.g i.e cf al u.s
  eq sec ch abb tab bzw ca evtl ggf inkl nr str tel usw vgl z.b d.h u.a o.ä s.o abs art bd hrsg jh mio mrd
  m mme mlle av env p.ex sra sig dott ing ecc pág núm ej`.split(/\s+/),
)
const lastWord = /(?:^|[\s(„“"'«])((?:\p{L}\.\s?)*\p{L}+|\d{1,2})\.\s*$/u
/** A German ordinal follows one of these ("im 2. Obergeschoss"), or precedes a month. */
const beforeOrdinal =
  /(?:^|\s)(?:am|ab|bis|dem|den|der|des|die|das|im|ins|vom|zum|zur|jede[mnrs]?)\s\d{1,2}\.\s*$/iu
const afterOrdinal = /^(?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jahrhundert|Jh)/
/** Limits the work per boundary; longer than any abbreviation. */
const maxLookBehind = 24

/** Splits a text into its sentences, each with the whitespace after it. */
export function* sentenceSpans(text: string): Generator<Span> {
  let start = 0
  for (const { index, segment } of segmenter.segment(text)) {
    const end = index + segment.length
    if (end < text.length && isWithinSentence(text, start, end)) continue
    yield { start, end }
    start = end
  }
}

/** Returns whether a boundary is due to an abbreviation, an initial or a German ordinal. */
function isWithinSentence(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(start, end - maxLookBehind), end)
  const word = lastWord.exec(before)?.[1]
  if (word === undefined) return false
  if (/^\d/.test(word)) return beforeOrdinal.test(before) || afterOrdinal.test(text.slice(end, end + 12))
  return /^(?:\p{Lu}\.\s?)*\p{Lu}$/u.test(word) || abbreviations.has(word.toLowerCase().replaceAll(/\s/g, ''))
}

/** Removes the last word of a truncated text, unless there is no other, with the whitespace before it. */
export const withoutLastWord = (text: string): string => (/^[^]*\s/.exec(text)?.[0] ?? text).trimEnd()
