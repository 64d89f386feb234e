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
export { languageOf } from './language.ts'
export { functionWordsOf } from './lexical/function-words.ts'
export { normaliserFor } from './lexical/normalise.ts'
export { rarity, sparseVector } from './lexical/weigh.ts'
export { wordsOf } from './lexical/words.ts'
export { knowledgeRoutes } from './routes.ts'
export { termsWithContext } from './search/follow-up.ts'
export type { Hit } from './search/hit.ts'
export { questioner, type Term } from './search/question.ts'
export type { Query } from './search/search.ts'
