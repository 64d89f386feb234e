export {
  type CompletedAnswer,
  type Completions,
  completions,
  type NewCompletion,
  type OfferedModel,
} from './completions.ts'
export { unsupported } from './errors.ts'
