import type { Answerability } from '../../../contract/knowledge.ts'
import { type Layer } from '../../../contract/layers.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { coverageOf, expandFollowUp, fuseRankings, queryAnalyzer } from '../../search/index.ts'
import type { Telemetry } from '../../telemetry/index.ts'
import { passageWithContext } from '../chunking/passage.ts'
import {
  countPassagesByLanguage,
  type DocumentFilter,
  findSimilarTerms,
  type LibraryCounts,
  type RankedPassage,
} from '../store/search.ts'
import { answerabilityOf, answerProbability, evidenceWeight } from './answerability.ts'
import { lexicalSearch, type WeightedTerm, weightTerms } from './lexical.ts'
import { libraryPostings } from './library-postings.ts'
import { withoutNearDuplicates } from './near-duplicates.ts'
import { relatedTerms } from './related-terms.ts'
import { correctTerms } from './spelling.ts'
import { termStatistics } from './term-statistics.ts'
import { vectorSearch } from './vector-search.ts'

export type SearchQuery = {
  aveeId: string
  /** The layers that the caller may see. Documents of other layers affect neither results nor statistics. */
  layers: Layer[]
  query: string
  /** Restricts the results, but not the statistics. */
  filter?: DocumentFilter | undefined
  /** Earlier questions of the conversation, oldest first; a follow-up question is expanded from them. */
  context?: string[]
  /** The number of passages of each language, if already read. */
  counts?: LibraryCounts[]
  /** Skips vector search and reranking, which need a model: for background work. */
  lexicalOnly?: boolean
  signal: AbortSignal
}

export type Ranking = { passages: RankedPassage[]; answerable: Answerability }

/** Timeout of embedding the query, after which search continues without vectors. */
const embeddingTimeoutMs = 10_000
const maxVectorResults = 50
/** The number of fused results to check for duplicates, and of results for the cross-encoder. */
const maxFusedResults = 100
const maxRerankedResults = 30
/** The number of passages whose coverage decides on answerability. */
const evidencePassages = 5

export type SearchDependencies = {
  database: Database
  log: Log
  embedderFor(aveeId: string, signal: AbortSignal): Promise<Embedder | undefined>
  embedderOf(space: string, aveeId: string): Promise<Embedder | undefined>
  relevance(
    aveeIds: string[],
    query: string,
    texts: string[],
    signal: AbortSignal,
  ): Promise<number[] | undefined>
  telemetry: Telemetry
}

export type HybridSearch = ReturnType<typeof hybridSearch>

/** Creates the hybrid search: concurrent lexical and vector search, score fusion, deduplication, reranking. */
export function hybridSearch({
  database,
  log,
  embedderFor,
  embedderOf,
  relevance,
  telemetry,
}: SearchDependencies) {
  const statisticsOf = termStatistics(database.db)
  const nearestPassages = vectorSearch({ database, log })
  const postingsOf = libraryPostings({ database, log })

  /**
   * While documents are re-embedded with a new model, the vectors of the previous model, which are complete, are
   * searched.
   */
  async function queryEmbedder(
    aveeId: string,
    counts: LibraryCounts[],
    signal: AbortSignal,
  ): Promise<Embedder | undefined> {
    const current = await embedderFor(aveeId, signal)
    const spaces = counts.flatMap((each) => each.spaces)
    const previous = current && spaces.find((space) => space !== current.space)
    return (previous !== undefined && (await embedderOf(previous, aveeId))) || current
  }

  async function searchByVector(
    query: SearchQuery,
    text: string,
    counts: LibraryCounts[],
  ): Promise<RankedPassage[]> {
    const signal = AbortSignal.any([query.signal, AbortSignal.timeout(embeddingTimeoutMs)])
    try {
      const model = await queryEmbedder(query.aveeId, counts, signal)
      const [vector] = (await model?.embed([text], 'query', signal)) ?? []
      if (!model || !vector) return []
      const passages = await nearestPassages(query, {
        space: model.space,
        vector,
        limit: maxVectorResults,
        own: counts[0]?.own_vectors ?? 0,
        all: counts[0]?.all_vectors ?? -1,
        checksum: counts[0]?.embedded_checksum ?? null,
      })
      // Some models embed unknown words as a zero vector, whose cosine similarity is NaN.
      return passages.filter(({ score }) => Number.isFinite(score))
    } catch (error) {
      query.signal.throwIfAborted()
      log.warn({ err: error }, 'vector search failed; the results are lexical only')
      return []
    }
  }

  /** Calls `onExpanded` with the text of the query, expanded if it is a follow-up, as soon as it is known. */
  async function searchTerms(
    query: SearchQuery,
    onExpanded: (text: string, counts: LibraryCounts[]) => void,
  ) {
    const { db } = database
    const context = query.context ?? []
    const counts = query.counts ?? (await countPassagesByLanguage(db, query).execute())
    const passages = counts.reduce((sum, each) => sum + each.passages, 0)
    if (passages === 0) return undefined
    const languages = counts.toSorted((a, b) => b.passages - a.passages).map(({ language }) => language)
    const analyzer = await queryAnalyzer(query.aveeId, languages, query.query)
    const { own, carried, text, isComplete } = expandFollowUp(analyzer, query.query, context)
    const said = [...own, ...carried]
    const asserted = isComplete ? own.length : said.length
    onExpanded(text, counts)
    const findFrequencies = statisticsOf(query, counts)
    const choosePassages = postingsOf(query, counts)
    const all = [...said, ...relatedTerms(analyzer, text, said)]
    const weighted = await weightTerms(findFrequencies, all, passages)
    const written = weighted.slice(0, said.length)
    const related = weighted.slice(said.length)
    const { terms, evidence: queryTerms } = await correctTerms(
      (wanted) => findSimilarTerms(db, query, wanted),
      written,
    )
    const corrected = await weightTerms(findFrequencies, terms, passages)
    const ranked = (terms: WeightedTerm[]) =>
      lexicalSearch(database, query, { terms, passages, languages, findFrequencies, choosePassages })
    const results = await ranked([...corrected, ...related])
    // Related terms, and those that a complete question carries, help to find passages but are not evidence that these
    // answer the question.
    const evidence = asserted === all.length ? results : await ranked(corrected.slice(0, asserted))
    const coverage = evidence.slice(0, evidencePassages).map((passage) =>
      coverageOf(
        analyzer,
        queryTerms.slice(0, asserted),
        {
          context: `${passage.title} ${passage.heading ?? ''}`,
          text: passage.text,
          language: passage.language,
        },
        evidenceWeight,
      ),
    )
    // Passages of other languages do not make words of the question likelier by chance in those of its language.
    const asked = counts.find(({ language }) => language === analyzer.language)?.passages ?? passages
    const inLanguage = coverage.filter((_, i) => evidence[i]?.language === analyzer.language)
    const isEnough = answerabilityOf(answerProbability({ coverage: inLanguage, cosines: [] }), asked) !== 'no'
    return { text, passages: results, coverage, searched: isEnough ? asked : passages }
  }

  /** Sorts the first passages by the cross-encoder's relevance, if there is one; each rank keeps its score. */
  async function rerank(
    queries: SearchQuery[],
    text: string,
    passages: RankedPassage[],
    signal: AbortSignal,
  ) {
    if (passages.length === 0) return passages
    const first = passages.slice(0, maxRerankedResults)
    const relevances = await relevance(
      queries.map(({ aveeId }) => aveeId),
      text,
      first.map(passageWithContext),
      signal,
    )
    if (!relevances) return passages
    const order = first
      .map((passage, i) => ({ passage, relevance: relevances[i] ?? 0 }))
      .sort((a, b) => b.relevance - a.relevance)
    return passages.map((passage, i) => ({ ...(order[i]?.passage ?? passage), score: passage.score }))
  }

  /** Ranks the passages of one avee; `text` is the query, expanded if it is a follow-up. */
  async function rankAvee(query: SearchQuery, limit: number) {
    let vectorResult: Promise<RankedPassage[]> | undefined
    const lexical = await searchTerms(query, (text, counts) => {
      if (query.lexicalOnly) return
      vectorResult = searchByVector(query, text, counts)
      // Rejects only if the signal is aborted, which is checked below.
      vectorResult.catch(() => {})
    })
    query.signal.throwIfAborted()
    if (!lexical) return { text: query.query, passages: [], probability: 0, searched: 0 }
    const { coverage } = lexical
    const nearest = (await vectorResult) ?? []
    const fused = fuseRankings(
      { results: lexical.passages, confidence: answerProbability({ coverage, cosines: [] }) },
      nearest,
    )
    const distinct = withoutNearDuplicates(
      fused.slice(0, maxFusedResults),
      Math.max(limit, maxRerankedResults),
    )
    const probability = answerProbability({ coverage, cosines: nearest.map(({ score }) => score) })
    const passages = distinct.map((passage) => ({ ...passage, score: passage.score * probability }))
    return { text: lexical.text, passages, probability, searched: lexical.searched }
  }

  async function rankTogether(queries: [SearchQuery, ...SearchQuery[]], limit: number): Promise<Ranking> {
    const [{ lexicalOnly, signal, query }] = queries
    const rankings = []
    for (const each of queries) rankings.push(await rankAvee(each, limit))
    const passages = rankings.flatMap((ranking) => ranking.passages).sort((a, b) => b.score - a.score)
    const ranked = lexicalOnly
      ? passages
      : await rerank(queries, rankings[0]?.text ?? query, passages, signal)
    return {
      passages: ranked.slice(0, limit),
      answerable: answerabilityOf(
        Math.max(...rankings.map(({ probability }) => probability)),
        rankings.reduce((sum, { searched }) => sum + searched, 0),
      ),
    }
  }

  /**
   * Returns up to `limit` passages, best first, without duplicates. Several queries search several avees for the same
   * text, one at a time, so that a request takes one connection.
   */
  return async function search(queries: [SearchQuery, ...SearchQuery[]], limit: number): Promise<Ranking> {
    const mode = queries[0].lexicalOnly ? 'lexical' : 'hybrid'
    return await telemetry.measure('retrieval', { mode }, () => rankTogether(queries, limit))
  }
}
