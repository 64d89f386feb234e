import { splitSentences } from '../../models/index.ts'
import type { Term, TermExtractor } from './terms.ts'

/** A sentence of an answer that can be true or false. */
export type Statement = { text: string; terms: Term[]; cites: number[] }

/** Shorter sentences are statements only with a number or a citation: "Sure, let me see." */
const minTerms = 3
/** [1] or [1, 2] */
const marker = String.raw`\[\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,20}\]`
const markers = new RegExp(marker, 'g')
/** "… at forty per minute. [1]": the marker behind the full stop belongs to the sentence before it. */
const markersAfterSentence = new RegExp(
  String.raw`([.!?。！？]{1,3}["”»’)]{0,3})(\s?)((?:${marker}\s?){1,20})`,
  'g',
)

/** Sentences that address the reader and make no statement. */
const courtesy =
  /^(?:let me know|feel free|i hope|hope (?:this|that)|if you (?:want|need|would|have|like|'d)|please (?:let|ask)|happy to|i(?:'m| am) happy|i can help|sure[,!. ]|of course[,!. ]|thank|lass mich wissen|sag (?:mir|gern)|melde dich|gerne?[ ,!]|(?:wenn|falls) (?:du|sie) |ich hoffe|n[’']hésite|si (?:tu|vous) |j[’']espère|si (?:quieres|necesitas|lo deseas)|espero que|se vuoi|se (?:você )?quiser)/iu

/**
 * Returns the statements of an answer, without code, headings, questions and courtesies. An answer of the extractive
 * model consists of quotations; its statements are the quotations.
 */
export function statementsOf(answer: string, extractor: TermExtractor, isExtractive: boolean): Statement[] {
  const sentences = isExtractive
    ? quotationsOf(answer)
    : splitSentences(plainText(answer)).map(({ text }) => text)
  return sentences.flatMap((sentence) => {
    const cites = [...sentence.matchAll(markers)].flatMap(([numbers]) =>
      (numbers.match(/\d+/g) ?? []).map(Number),
    )
    const text = sentence
      .replaceAll(markers, '')
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/ ([.,!?])/g, '$1')
      .trim()
    if (/[?？]["”»]?$/.test(text) || courtesy.test(text)) return []
    const terms = extractor.termsOf(text)
    const isStatement = terms.length >= minTerms || cites.length > 0 || terms.some(({ isNumber }) => isNumber)
    return isStatement && terms.length > 0 ? [{ text, terms, cites }] : []
  })
}

/** Removes code blocks, headings and inline Markdown. */
function plainText(answer: string): string {
  return answer
    .replaceAll(/```[\s\S]*?(?:```|$)/g, '\n')
    .replaceAll(/^ {0,3}#{1,6}\s.*$/gm, '')
    .replaceAll(/!?\[([^[\]]{0,1000})\]\([^()\n]{0,2000}\)/g, '$1')
    .replaceAll(/\*\*|__|`/g, '')
    .replaceAll(markersAfterSentence, ' $3$1$2')
}

/**
 * Quotations of the extractive model: “…” [1] (page 3), or below a heading or column names “header” … “row” … “row” [1],
 * whose rows are the statements.
 */
const quotationsOf = (answer: string): string[] =>
  answer.split('\n\n').flatMap((paragraph) => {
    const number = /(\[\d{1,3}\])(?: \([^()]{1,30}\))?$/.exec(paragraph)?.[1]
    const [first, ...others] = [...paragraph.matchAll(/“([^“”]+)”/g)].flatMap(([, part]) => part ?? [])
    if (number === undefined || first === undefined) return []
    return (others.length > 0 ? others : [first]).map((part) => `${part} ${number}`)
  })
