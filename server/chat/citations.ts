import type { Citation } from '../../contract/chat.ts'

/**
 * Selects the citations of a finished answer: the passages whose numbers it names, in the order of their first mention.
 * When it names none, all passages that it was given are returned, with `cited: false`, if they answer the question.
 */
export function selectCitations(answer: string, given: Citation[], answerable: boolean): Citation[] {
  const named = [...answer.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g)].flatMap((match) =>
    (match[1] ?? '').split(/[,;]/).map(Number),
  )
  const cited = [...new Set(named)].flatMap((n) => given.filter((citation) => citation.n === n))
  if (cited.length > 0) return cited.map((citation) => ({ ...citation, cited: true }))
  return answerable ? given : []
}
