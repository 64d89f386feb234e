import type { Citation } from '../../contract/chat.ts'

/**
 * The citations of a finished answer: those whose number it names, in the order it names them. A model that names
 * none leaves all it was given, marked as not cited, when they fit the question at all.
 */
export function selectCitations(answer: string, given: Citation[], answerable: boolean): Citation[] {
  const named = [...answer.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g)].flatMap((match) =>
    (match[1] ?? '').split(/[,;]/).map(Number),
  )
  const cited = [...new Set(named)].flatMap((n) => given.filter((citation) => citation.n === n))
  if (cited.length > 0) return cited.map((citation) => ({ ...citation, cited: true }))
  return answerable ? given : []
}
