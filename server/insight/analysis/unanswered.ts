/** Why a question counts as unanswered. */
export type UnansweredReason = 'no_passage' | 'said_so'

/** Phrases with which an answer says that it does not know; each pattern covers one or two languages. */
const admissions = [
  /\b(?:documents?|passages?|texts?|sources?|context|pages?)\b[^.!?]{0,60}\b(?:do(?:es)?n[’']?o?t|do(?:es)? not|did not|cannot)\b[^.!?]{0,40}\b(?:answer|say|mention|contain|include|provide|state|specify|cover)/iu,
  /\bi (?:do not|don[’']t) (?:know|have (?:any |that |this |enough )?information)|\bno information (?:about|on|is)\b|\bis not mentioned\b|\bi (?:cannot|can[’']t|could not|couldn[’']t) find\b/iu,
  /(?:dokumente?|unterlagen|passagen|texte?|quellen)[^.!?]{0,60}(?:nicht|nichts|keine?)\b/iu,
  /\bweiß ich (?:leider )?nicht\b|\bich weiß (?:es |das )?(?:leider )?nicht\b|\bdazu (?:habe|finde) ich (?:leider )?(?:nichts|keine)/iu,
  /\b(?:documents?|passages?|sources?)\b[^.!?]{0,40}\bne [^.!?]{0,30}(?:répond|mentionn|contien|indiqu|précis)|\bje ne (?:le )?(?:sais|trouve) pas\b/iu,
  /\b(?:documentos?|pasajes?)\b[^.!?]{0,40}\bno [^.!?]{0,30}(?:respond|mencion|contien|indic)|\bno lo sé(?!\p{L})|\bno (?:lo )?encuentro\b/iu,
  /\bdocumenti\b[^.!?]{0,40}\bnon [^.!?]{0,30}(?:rispond|menzion|conteng)|\bnon lo so\b|\bnon (?:lo )?trovo\b/iu,
  /\bdocumentos?\b[^.!?]{0,40}\bnão [^.!?]{0,30}(?:respond|mencion|cont)|\bnão sei\b|\bnão (?:o )?encontro\b/iu,
  /文[档檔书書][^。]{0,20}(?:没有|沒有|未)[^。]{0,10}(?:回答|提到|说明|說明|找到)|我不知道|文書[^。]{0,30}(?:ありません|いません|見つかりません)|[わ分]かりません/u,
]
/** A later phrase may concern only a part of the answer. */
const admissionPrefixCharacters = 400

const questionMark = /[?？؟]/u
const questionWords =
  /^(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could|will|would|should|has|have|wer|wen|wem|wessen|was|welche[rsmn]?|wann|wo|wohin|woher|warum|wieso|wie|ist|sind|kann|hat|gibt|qui|que|quoi|quel(?:le)?s?|quand|où|pourquoi|comment|combien|est-ce|quién|qué|cuál|cuándo|dónde|por qué|cómo|cuánt[oa]s?|chi|che|quale|quando|dove|perché|come|quant[oaie]|quem|qual|onde|como|tell me|explain|sag mir|erkläre?|dis-moi|explique|кто|что|где|когда|почему|как|какой)(?![\p{L}\p{M}])/iu

/** Whether a message is a question or request, not a greeting or remark. */
export const isQuestion = (text: string): boolean =>
  questionMark.test(text) || questionWords.test(text.trim())

/**
 * Returns why a question was not answered, or null. A question counts as answered if a passage supports a statement of
 * the answer.
 *
 * - `said_so`: the answer begins by saying that it does not know.
 * - `no_passage`: the question has at least two terms, search found no passage that answers it, and the answer cites
 *   none. This does not apply to avees without documents.
 */
export function unansweredReason(turn: {
  question: string
  questionTerms: number
  answer: string
  /** Whether search finds an answer in the documents; null without a search. */
  isAnswerable: boolean | null
  hasDocuments: boolean
  hasCitations: boolean
  hasSupport: boolean
}): UnansweredReason | null {
  if (turn.hasSupport || !isQuestion(turn.question)) return null
  const beginning = turn.answer.slice(0, admissionPrefixCharacters)
  if (admissions.some((pattern) => pattern.test(beginning))) return 'said_so'
  const isUnanswerable = turn.hasDocuments && turn.isAnswerable === false && !turn.hasCitations
  return turn.questionTerms >= 2 && isUnanswerable ? 'no_passage' : null
}
