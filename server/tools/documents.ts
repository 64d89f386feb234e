import { z } from 'zod'
import { layersWithin } from '../../contract/layers.ts'
import type { Knowledge } from '../knowledge/index.ts'
import { noSuchPassage } from './errors.ts'
import { builtInTool } from './tool.ts'

/** The words that one search adds to the prompt; the search before the answer adds up to 1,000. */
const maxSearchWords = 600
const maxPageCharacters = 8_000

export function documentTools(knowledge: Pick<Knowledge, 'contextPassages' | 'page'>) {
  return {
    search_documents: builtInTool({
      scope: 'documents',
      title: 'Search documents',
      description:
        'Searches your documents. Use it when the passages you have do not answer the question: search for one thing at a time, in other words than before.',
      input: z.object({ query: z.string().trim().min(1).max(1_000) }),
      async run({ query }, { avee, attachments, layer, signal }) {
        const { passages } = await knowledge.contextPassages({
          aveeId: avee.id,
          layers: layersWithin(layer),
          query,
          attachments: attachments && { ...attachments, given: [] },
          words: maxSearchWords,
          signal,
        })
        const summary =
          passages.length === 0
            ? 'No passages found.'
            : `${passages.length} ${passages.length === 1 ? 'passage' : 'passages'} found.`
        return { text: summary, summary, passages }
      },
    }),

    read_page: builtInTool({
      scope: 'documents',
      title: 'Read a page',
      description:
        'Reads more of the document that a passage comes from: the text around it, or another page.',
      input: z.object({
        passage: z.int().min(1).describe('The number of the passage.'),
        page: z.int().min(1).max(100_000).optional().describe('Another page of the same document.'),
      }),
      async run({ passage: n, page }, { citations, layer }) {
        const passage = citations.find((citation) => citation.n === n)
        if (!passage) throw noSuchPassage(n)
        const isSamePage = page === undefined || page === (passage.page ?? 1)
        const hit = await knowledge.page(passage.document_id, layersWithin(layer), {
          page: page ?? passage.page ?? 1,
          offset: isSamePage ? Math.floor((passage.start + passage.end) / 2) : 0,
          length: maxPageCharacters,
        })
        const summary = hit.page === null ? 'Text read.' : `Page ${hit.page} read.`
        return { text: summary, summary, passages: [hit] }
      },
    }),
  }
}
