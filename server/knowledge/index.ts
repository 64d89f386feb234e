export { noFiles } from './errors.ts'
export {
  type ArrivedFile,
  type Grounding,
  type IngestTarget,
  type Knowledge,
  type KnowledgeLimits,
  type KnowledgeParts,
  knowledge,
  type ListedDocument,
} from './knowledge.ts'
export { knowledgeRoutes } from './routes.ts'
export type { Hit } from './search/hit.ts'
export type { Query } from './search/search.ts'
