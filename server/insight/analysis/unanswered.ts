/** Why a question counts as not answered by the documents. */
export type Unanswered = 'no_passage' | 'said_so'

/** How answers say that they do not know, in the languages in which that is recognised here. */
const admissions = [
  /\b(?:documents?|passages?|texts?|sources?|context|pages?)\b[^.!?]{0,60}\b(?:do(?:es)?n[’']?o?t|do(?:es)? not|did not|cannot)\b[^.!?]{0,40}\b(?:answer|say|mention|contain|include|provide|state|specify|cover)/iu,
  /\bi (?:do not|don[’']t) (?:know|have (?:any |that |this |enough )?information)|\bno information (?:about|on|is)\b|\bis not mentioned\b|\bi (?:cannot|can[’']t|could not|couldn[’']t) find\b/iu,
  /(?:dokumente?|unterlagen|passagen|texte?|quellen)[^.!?]{0,60}(?:nicht|nichts|keine?)\b/iu,
  /\bweiß ich (?:leider )?nicht\b|\bich weiß (?:es |das )?(?:leider )?nicht\b|\bdazu (?:habe|finde) ich (?:leider )?(?:nichts|keine)/iu,
  /\b(?:documents?|passages?|sources?)\b[^.!?]{0,40}\bne [^.!?]{0,30}(?:répond|mentionn|contien|indiqu|précis)|\bje ne (?:le )?sais pas\b/iu,
  /\b(?:documentos?|pasajes?)\b[^.!?]{0,40}\bno [^.!?]{0,30}(?:respond|mencion|contien|indic)|\bno lo sé\b/iu,
  /\bdocumenti\b[^.!?]{0,40}\bnon [^.!?]{0,30}(?:rispond|menzion|conteng)|\bnon lo so\b/iu,
  /\bdocumentos?\b[^.!?]{0,40}\bnão [^.!?]{0,30}(?:respond|mencion|cont)|\bnão sei\b/iu,
  /文[档檔书書][^。]{0,20}(?:没有|沒有|未)[^。]{0,10}(?:回答|提到|说明|說明)|我不知道|文書[^。]{0,30}(?:ありません|いません)|[わ分]かりません/u,
]
/** Where an answer begins with it, it is the answer; further down it may be about one part of several. */
const beginning = 400

const questionMark = /[?？؟]/u
const questionWords =
  /^(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could|will|would|should|has|have|wer|wen|wem|wessen|was|welche[rsmn]?|wann|wo|wohin|woher|warum|wieso|wie|ist|sind|kann|hat|gibt|qui|que|quoi|quel(?:le)?s?|quand|où|pourquoi|comment|combien|est-ce|quién|qué|cuál|cuándo|dónde|por qué|cómo|cuánt[oa]s?|chi|che|quale|quando|dove|perché|come|quant[oaie]|quem|qual|onde|como|tell me|explain|sag mir|erkläre?|dis-moi|explique|кто|что|где|когда|почему|как|какой)(?![\p{L}\p{M}])/iu

/** Is it a question about something, not a greeting and not a remark? */
export const isQuestion = (text: string): boolean =>
  questionMark.test(text) || questionWords.test(text.trim())

/**
 * Whether a question went unanswered, for the owner's inbox.
 *
 * `said_so`: the answer begins by saying that it does not know, and none of its statements is supported by a passage.
 * `no_passage`: it asked for something (two words that say something, at least), search found nothing that fits, and
 * the answer names no passage; only where there are documents at all, as a persona without any simply talks.
 */
export function unanswered(turn: {
  question: string
  contentWords: number
  answer: string
  /** False when search found nothing that answers; null when it was not asked. */
  answerable: boolean | null
  hasDocuments: boolean
  citesSomething: boolean
  supportsSomething: boolean
}): Unanswered | null {
  if (turn.supportsSomething || !isQuestion(turn.question)) return null
  const said = turn.answer.slice(0, beginning)
  if (admissions.some((pattern) => pattern.test(said))) return 'said_so'
  const asksForMuch = turn.contentWords >= 2
  return asksForMuch && turn.hasDocuments && turn.answerable === false && !turn.citesSomething
    ? 'no_passage'
    : null
}
