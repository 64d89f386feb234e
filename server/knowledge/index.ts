export { documentNotFound, noFiles } from './errors.ts'
export { limited, type Network } from './fetch/fetch-page.ts'
export { publicClient } from './fetch/public-client.ts'
export { type Originals, originals } from './files.ts'
export { folderRoutes } from './folders/folder-routes.ts'
export type { IngestTarget, NamedFile, UploadedFile } from './ingest/intake.ts'
export {
  type Knowledge,
  type KnowledgeDependencies,
  type KnowledgeLimits,
  knowledge,
  type ListedDocument,
} from './knowledge.ts'
export { areVisible, type DocumentLayers, documentPolicy } from './policy.ts'
export { presentDocument } from './present.ts'
export { knowledgeRoutes } from './routes.ts'
export type { Hit } from './search/hit.ts'
export type { ContextPassages, ConversationAttachments } from './search/retrieval.ts'
export type { SearchQuery } from './search/search.ts'
export { createVectorIndexes } from './store/vector-index.ts'
