import { splitSentences } from '../../models/index.ts'
import type { ContentTerm, TermReader } from './terms.ts'

/** A sentence of an answer that can be true or false. */
export type Statement = { text: string; words: ContentTerm[]; cites: number[] }

const fewestWords = 3
const marker = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g
/** "… at forty per minute. [1]": the number belongs to the sentence before it. */
const trailingMarkers = /([.!?。！？]+["”»’)]*)(\s*)((?:\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]\s*)+)/g

/** What is said to the person and not about the matter. */
const courtesy =
  /^(?:let me know|feel free|i hope|hope (?:this|that)|if you (?:want|need|would|have|like|'d)|please (?:let|ask)|happy to|i(?:'m| am) happy|i can help|sure[,!. ]|of course[,!. ]|thank|lass mich wissen|sag (?:mir|gern)|melde dich|gerne?[ ,!]|(?:wenn|falls) (?:du|sie) |ich hoffe|n[’']hésite|si (?:tu|vous) |j[’']espère|si (?:quieres|necesitas|lo deseas)|espero que|se vuoi|se (?:você )?quiser)/iu

/**
 * The statements of an answer: no code, no headings, no questions, nothing that is only politeness. Of an answer made
 * of quotations alone (no language model), what is quoted.
 */
export function statementsOf(answer: string, reader: TermReader, isQuoted: boolean): Statement[] {
  const texts = isQuoted ? quotationsOf(answer) : splitSentences(plain(answer)).map(({ text }) => text)
  return texts.flatMap((text) => {
    const cites = citedIn(text)
    const bare = text
      .replaceAll(marker, '')
      .replaceAll(/\s+([.,!?])/g, '$1')
      .trim()
    if (/[?？]["”»]?$/.test(bare) || courtesy.test(bare)) return []
    const words = reader.contentOf(bare)
    const saysMuch = words.length >= fewestWords || words.some((word) => word.isFigure)
    return saysMuch || cites.length > 0
      ? [{ text: bare, words, cites }].filter(({ words: all }) => all.length > 0)
      : []
  })
}

const citedIn = (text: string): number[] =>
  [...text.matchAll(marker)].flatMap(([, numbers = '']) => numbers.split(/[,;]/).map(Number))

/** Markdown as the sentences it shows. */
function plain(answer: string): string {
  return answer
    .replaceAll(/```[\s\S]*?(?:```|$)/g, '\n')
    .replaceAll(/^\s{0,3}#{1,6}\s.*$/gm, '')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|__|`/g, '')
    .replaceAll(trailingMarkers, ' $3$1$2')
}

/** “…” [1] (page 3) */
function quotationsOf(answer: string): string[] {
  return [...answer.matchAll(/“([^”]+)”(?:\s*…\s*“([^”]+)”)?\s*(\[\d{1,3}\])/g)].map(
    ([, first = '', second = '', number = '']) => `${second === '' ? first : second} ${number}`,
  )
}
