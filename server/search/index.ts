export {
  bm25Weigher,
  idf,
  maxTermScore,
  type Naming,
  parseSparseVector,
  sparseVector,
  termHasher,
} from './bm25.ts'
export { termsWithContext, textWithContext } from './follow-up.ts'
export { detectLanguage } from './language.ts'
export { queryAnalyzer, type Term } from './query-terms.ts'
export { forgivenSlips, slipsBetween } from './spelling.ts'
export { stemmerFor } from './stem.ts'
export { stopWordsOf } from './stop-words.ts'
export { tokenize } from './tokenize.ts'
export { vectorLiteral } from './vector-literal.ts'
