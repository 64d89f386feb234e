export { noFiles } from './errors.ts'
export { folderRoutes } from './folders/folder-routes.ts'
export type { ArrivedFile, IngestTarget } from './ingest/intake.ts'
export {
  type Grounding,
  type Knowledge,
  type KnowledgeLimits,
  type KnowledgeParts,
  knowledge,
  type ListedDocument,
} from './knowledge.ts'
export { knowledgeRoutes } from './routes.ts'
export type { Hit } from './search/hit.ts'
export type { Query } from './search/search.ts'
