import type { Document } from '../../contract/knowledge.ts'
import { compareLayers, type Layer } from '../../contract/layers.ts'
import { type Message, message, t } from '../languages/index.ts'

export type DocumentState = 'ready' | 'keywords' | 'no-text'
export const stateLabels: Record<DocumentState, Message> = {
  ready: message('Ready'),
  keywords: message('Keyword search only'),
  'no-text': message('No text'),
}

/** Returns how a document can be searched; semantic search needs vectors. */
export const stateOf = (
  { passages, embedded }: Pick<Document, 'passages' | 'embedded'>,
  hasEmbeddingModel: boolean,
): DocumentState => (passages === 0 ? 'no-text' : hasEmbeddingModel && !embedded ? 'keywords' : 'ready')

export type SortColumn = 'name' | 'type' | 'layer' | 'size' | 'added' | 'state'
export type Arrangement = {
  column: SortColumn
  isDescending: boolean
  type: string
  layer: Layer | ''
  state: DocumentState | ''
}

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Returns the documents that match the filters, in the order of a column; equal ones are in the order of their names. */
export function arrangeDocuments(
  documents: readonly Document[],
  { column, isDescending, type, layer, state }: Arrangement,
  hasEmbeddingModel: boolean,
): Document[] {
  const stateText = (document: Document) => t(stateLabels[stateOf(document, hasEmbeddingModel)])
  const compare: Record<SortColumn, (a: Document, b: Document) => number> = {
    name: () => 0,
    type: (a, b) => names.compare(a.type, b.type),
    layer: (a, b) => compareLayers(a.layer, b.layer),
    size: (a, b) => a.bytes - b.bytes,
    added: (a, b) => Date.parse(a.created_at) - Date.parse(b.created_at),
    state: (a, b) => names.compare(stateText(a), stateText(b)),
  }
  const sign = isDescending ? -1 : 1
  return documents
    .filter(
      (document) =>
        (type === '' || document.type === type) &&
        (layer === '' || document.layer === layer) &&
        (state === '' || stateOf(document, hasEmbeddingModel) === state),
    )
    .sort((a, b) => sign * (compare[column](a, b) || names.compare(a.title, b.title)))
}
