import type { Answerability } from '../../../contract/knowledge.ts'
import type { Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'
import { termHasher } from '../../search/index.ts'
import {
  countPassagesByLanguage,
  documentFrequencies,
  type LibraryCounts,
  listFirstPassages,
  searchLiteral,
} from '../store/search.ts'
import { maxConsideredPassages, selectContext } from './context-passages.ts'
import { type Hit, toHit } from './hit.ts'
import { interleave, partsOf } from './question-parts.ts'
import type { HybridSearch, SearchQuery } from './search.ts'

/** Passages for a prompt, best first. `text` is the text of the page from `start` to `end`. */
export type ContextPassages = { passages: Hit[]; answerable: Answerability }

/** The attachments of a conversation, with the number of their passages, and those of the question. */
export type ConversationAttachments = {
  conversationId: string
  counts: LibraryCounts[]
  given: string[]
}

/** Searches the documents of avees, for users and for prompts. */
export function retrieval(db: Db, search: HybridSearch) {
  return {
    /** Searches passages, best first; `answerable` estimates whether they answer the query. */
    async search(
      query: SearchQuery & { limit: number },
    ): Promise<{ hits: Hit[]; answerable: Answerability }> {
      const { passages, answerable } = await search([query], query.limit)
      return { hits: passages.map(toHit), answerable }
    },

    /** Searches the passages of several avees, up to the layers of each. */
    async searchAvees(
      scopes: Pick<SearchQuery, 'aveeId' | 'layers'>[],
      { limit, ...query }: Pick<SearchQuery, 'query' | 'filter' | 'signal'> & { limit: number },
    ): Promise<{ hits: Hit[]; answerable: Answerability }> {
      const [first, ...others] = scopes.map((scope) => ({ ...query, ...scope }))
      if (!first) return { hits: [], answerable: 'no' }
      const { passages, answerable } = await search([first, ...others], limit)
      return { hits: passages.map(toHit), answerable }
    },

    /** Selects the number of passages in these layers by language. */
    passageCounts: (scope: Pick<SearchQuery, 'aveeId' | 'layers'>) => countPassagesByLanguage(db, scope),

    /**
     * Searches passages for a prompt of up to `words` words; adjacent ones are merged. If a question needs several
     * passages, its `parts` are searched too. The beginnings of the question's attachments are always candidates,
     * because a question about a file ("What is this?") need not contain its words. With `wholeIfSmall`, which needs
     * `counts`, a library or attachments that fit are selected as a whole.
     */
    async contextPassages({
      words,
      parts: asked,
      wholeIfSmall = false,
      attachments,
      ...query
    }: Omit<SearchQuery, 'filter'> & {
      words: number
      parts?: string[]
      wholeIfSmall?: boolean
      attachments?: ConversationAttachments | undefined
    }): Promise<ContextPassages> {
      const attached = attachments && {
        ...query,
        aveeId: attachments.conversationId,
        counts: attachments.counts,
      }
      const [whole, ...parts] = await Promise.all(
        [query.query, ...(asked ?? partsOf(query.query))].map((text) =>
          search(
            [{ ...query, query: text }, ...(attached ? [{ ...attached, query: text }] : [])],
            maxConsideredPassages,
          ),
        ),
      )
      const found = [whole, ...parts].map((each) => each?.passages ?? [])
      const answerable = whole?.answerable ?? 'no'
      const isSmall = (counts: LibraryCounts[] = []) => {
        const passages = counts.reduce((sum, each) => sum + each.passages, 0)
        return wholeIfSmall && passages > 0 && passages <= maxConsideredPassages
      }
      const library = { ...query, isSmall: isSmall(query.counts) }
      if (!attached)
        return { passages: await selectContext(db, [library], interleave(found), words), answerable }
      const given = new Set(attachments?.given)
      const ranking = interleave([
        [
          ...found.flat().filter(({ documentId }) => given.has(documentId)),
          ...(await listFirstPassages(db, attached, [...given], maxConsideredPassages)),
        ],
        ...found,
      ])
      return {
        passages: await selectContext(
          db,
          [library, { ...attached, isSmall: isSmall(attached.counts) }],
          ranking,
          words,
        ),
        answerable: answerable === 'no' && given.has(ranking[0]?.documentId ?? '') ? 'unsure' : answerable,
      }
    },

    /** Counts the passages in these layers, and those that contain each term (as a stemmer returns it). */
    async documentFrequencies(aveeId: string, layers: Layer[], terms: string[]) {
      const scope = { aveeId, layers }
      const hash = termHasher(aveeId)
      const termsByHash = new Map(terms.map((term) => [hash(term), term]))
      const [languages, frequencies] = await Promise.all([
        countPassagesByLanguage(db, scope).execute(),
        documentFrequencies(db, scope, [...termsByHash.keys()]),
      ])
      return {
        passages: languages.reduce((sum, each) => sum + each.passages, 0),
        words: new Map(
          [...frequencies].map(([hash, { passages }]) => [termsByHash.get(hash) ?? '', passages]),
        ),
      }
    },

    /** Finds passages that contain a text literally, ignoring case, newest documents first. */
    async searchText(aveeId: string, layers: Layer[], text: string, limit: number): Promise<Hit[]> {
      const found = await searchLiteral(db, { aveeId, layers }, text, limit)
      return found.map(toHit)
    },
  }
}
