import type { FoundPassage } from '../store/search.ts'

/** A passage that fits a query, without what only the store knows it by; `score` is from 0 to 1 and falls with the rank. */
export type Hit = Omit<FoundPassage, 'id' | 'version'>

export const hitOf = (passage: FoundPassage): Hit => ({
  documentId: passage.documentId,
  title: passage.title,
  filename: passage.filename,
  layer: passage.layer,
  n: passage.n,
  page: passage.page,
  start: passage.start,
  end: passage.end,
  heading: passage.heading,
  text: passage.text,
  score: passage.score,
})
