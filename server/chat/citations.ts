import type { CitedPassage } from '../../contract/chat.ts'

/**
 * Returns the citations of a finished answer: those it cites by number, in that order. If it cites none, all passages of
 * its prompt are returned, marked as not cited.
 */
export function selectCitations(answer: string, given: CitedPassage[]): CitedPassage[] {
  const named = [...answer.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g)].flatMap((match) =>
    (match[1] ?? '').split(/[,;]/).map(Number),
  )
  const cited = [...new Set(named)].flatMap((n) => given.filter((citation) => citation.n === n))
  if (cited.length > 0) return cited.map((citation) => ({ ...citation, cited: true }))
  return given
}
