import { type Layer } from '../../../contract/layers.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { queryAnalyzer, termsWithContext, textWithContext } from '../../search/index.ts'
import { inContext } from '../cut/passage.ts'
import { type FoundPassage, languagesIn } from '../store/search.ts'
import { formerSpace, searchVectors } from '../store/vectors.ts'
import { answerableFrom, confidence } from './answerable.ts'
import { byWords, count } from './by-words.ts'
import { fuse, withoutRepeats } from './fuse.ts'
import { mend } from './misspelt.ts'

export type Query = {
  aveeId: string
  /** The layers that whoever asks may see; nothing of another weighs in. */
  layers: Layer[]
  query: string
  /** Earlier questions of the conversation, oldest first: a follow-up is understood from them. */
  context?: string[]
  /** True searches by words alone and asks no model: for work in the background, which must not be in anybody's way. */
  byWordsAlone?: boolean
  signal: AbortSignal
}

export type Ranking = { passages: FoundPassage[]; answerable: boolean }

/** Vectors that are asked for are waited for this long; then words alone must do. */
const embeddingPatienceMs = 10_000
const nearest = 50
/** What of several arms is put together at most, and how many of the best a cross-encoder reads. */
const fused = 100
const reread = 30

export function searcher(rooms: {
  database: Database
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  embedderOf(space: string): Promise<Embedder | undefined>
  relevance(query: string, texts: string[], signal: AbortSignal): Promise<number[] | undefined>
}) {
  /** While an avee's documents get vectors of another model, the former one's are all there still: they are searched. */
  async function embedderFor(query: Query, signal: AbortSignal): Promise<Embedder | undefined> {
    const present = await rooms.embedder(signal)
    const former = present && (await formerSpace(rooms.database.db, query.aveeId, present.space))
    return (former !== undefined && (await rooms.embedderOf(former))) || present
  }

  async function byMeaning(query: Query, text: string): Promise<FoundPassage[]> {
    const signal = AbortSignal.any([query.signal, AbortSignal.timeout(embeddingPatienceMs)])
    try {
      const embedder = await embedderFor(query, signal)
      const [vector] = (await embedder?.embed([text], 'query', signal)) ?? []
      if (!embedder || !vector) return []
      const found = await searchVectors(rooms.database, query, {
        space: embedder.space,
        vector,
        limit: nearest,
      })
      // A vector of zeros, which some models make of what they do not know, is near to nothing.
      return found.filter(({ score }) => Number.isFinite(score))
    } catch (error) {
      query.signal.throwIfAborted()
      rooms.log.warn({ err: error }, 'search by meaning failed; words alone were searched')
      return []
    }
  }

  /**
   * By words; one transaction, so that embedded it waits only once for its turn. `understood` gets what the question
   * means in full as soon as that is known.
   */
  async function inWords(query: Query, understood: (meant: string) => void) {
    const context = query.context ?? []
    return await rooms.database.transaction(async (trx) => {
      const languages = await languagesIn(trx, query)
      const passages = languages.reduce((sum, each) => sum + each.passages, 0)
      if (passages === 0) return undefined
      const codes = languages.toSorted((a, b) => b.passages - a.passages).map((each) => each.language)
      const words = await queryAnalyzer(query.aveeId, codes)
      const meant = textWithContext(words, query.query, context)
      understood(meant)
      const asked = await count(trx, query, termsWithContext(words, query.query, context), passages)
      const terms = asked.some((term) => term.holding === 0)
        ? await count(trx, query, await mend(trx, query, asked), passages)
        : asked
      return { meant, found: await byWords(trx, query, { terms, passages, languages: codes }) }
    })
  }

  /** The best few in the order in which a cross-encoder, where there is one, finds them to answer; what a place scores stays. */
  async function reordered(text: string, passages: FoundPassage[], signal: AbortSignal) {
    const best = passages.slice(0, reread)
    const relevance = await rooms.relevance(text, best.map(inContext), signal)
    if (!relevance) return passages
    const order = best
      .map((passage, i) => ({ passage, relevance: relevance[i] ?? 0 }))
      .sort((a, b) => b.relevance - a.relevance)
    return passages.map((passage, i) => ({ ...(order[i]?.passage ?? passage), score: passage.score }))
  }

  /** Passages in the order in which they fit, the best first, each text once. */
  return async function rank(query: Query, limit: number): Promise<Ranking> {
    let meaning: Promise<FoundPassage[]> | undefined
    const lexical = await inWords(query, (meant) => {
      if (query.byWordsAlone) return
      // Beside the search by words. It fails only when it is stopped, which is then said below.
      meaning = byMeaning(query, meant)
      meaning.catch(() => {})
    })
    query.signal.throwIfAborted()
    if (!lexical) return { passages: [], answerable: false }
    const semantic = (await meaning) ?? []
    const sureByWords = confidence({ covered: lexical.found.covered, cosines: [] })
    const sure = confidence({
      covered: lexical.found.covered,
      cosines: semantic.map((passage) => passage.score),
    })
    const order = fuse({ passages: lexical.found.passages, sure: sureByWords }, semantic)
    const distinct = withoutRepeats(order.slice(0, fused), Math.max(limit, reread))
    const passages = query.byWordsAlone ? distinct : await reordered(lexical.meant, distinct, query.signal)
    return {
      passages: passages.slice(0, limit).map((passage) => ({ ...passage, score: passage.score * sure })),
      answerable: sure >= answerableFrom,
    }
  }
}
