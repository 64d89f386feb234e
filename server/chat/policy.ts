import { isWithin, type Layer } from '../../contract/layers.ts'
import type { AvailableCitation, Citation, CitedPassage } from '../../contract/messages.ts'
import { areVisible, type DocumentLayers, type Knowledge } from '../knowledge/index.ts'
import { hideQuotations } from '../models/index.ts'
import type { MessageRow } from './store/messages.ts'

/** The current access of a reader: the highest layer, and the existing documents with their current layers. */
export type Access = { layer: Layer; documents: DocumentLayers }

export type StoredAnswer = Pick<MessageRow, 'content' | 'model' | 'citations' | 'documents'>

/** Returns the access of a reader (null: the public) up to `layer` to the sources of these answers. */
export async function accessTo(
  answers: Pick<StoredAnswer, 'citations' | 'documents'>[],
  { layer, userId }: { layer: Layer; userId: string | null },
  knowledge: Pick<Knowledge, 'layersOf'>,
): Promise<Access> {
  const ids = answers.flatMap(({ citations, documents }) => [
    ...documents,
    ...citations.map(({ document_id }) => document_id),
  ])
  return { layer, documents: await knowledge.layersOf([...new Set(ids)], userId) }
}

/** Returns a citation as a reader may see it. */
export function showCitation(citation: CitedPassage, access: Access): Citation {
  const layer = access.documents.get(citation.document_id)
  if (layer === undefined) return { n: citation.n, status: 'deleted' }
  if (layer === null || !isWithin(layer, access.layer)) return { n: citation.n, status: 'no_access' }
  return { ...citation, layer, status: 'available' }
}

export const isAvailable = (citation: Citation): citation is AvailableCitation =>
  citation.status === 'available'

/**
 * Returns the text of an answer as a reader may see it. Answers without a language model consist of quotations, which
 * are hidden like their citations; what a language model wrote remains.
 */
export function showContent(answer: StoredAnswer, access: Access): string {
  if (answer.model !== 'extractive' || areVisible(answer.documents, access.layer, access.documents))
    return answer.content
  const citations = answer.citations.map((citation) => showCitation(citation, access))
  const shown = new Set(citations.filter(isAvailable).map(({ n }) => n))
  return hideQuotations(answer.content, (n) => shown.has(n))
}
