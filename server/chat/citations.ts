import type { CitedPassage } from '../../contract/messages.ts'
import type { Hit } from '../knowledge/index.ts'

/**
 * Returns the passages that a finished answer cites, ordered by first citation. If it cites none, returns all passages
 * of its prompt, marked as not cited.
 */
export function selectCitations(answer: string, given: CitedPassage[]): CitedPassage[] {
  const named = [...answer.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g)].flatMap((match) =>
    (match[1] ?? '').split(/[,;]/).map(Number),
  )
  const cited = [...new Set(named)].flatMap((n) => given.filter((citation) => citation.n === n))
  if (cited.length > 0) return cited.map((citation) => ({ ...citation, cited: true }))
  return given
}

/** Returns a passage as a numbered citation. */
export const toCitation = (passage: Hit, n: number): CitedPassage => ({
  n,
  document_id: passage.documentId,
  title: passage.title,
  filename: passage.filename,
  page: passage.page,
  heading: passage.heading,
  passage: passage.n,
  start: passage.start,
  end: passage.end,
  text: passage.text,
  score: passage.score,
  layer: passage.layer,
  cited: false,
})
