export type {
  AbortReason,
  Closing,
  Completion,
  EventBody,
  Frame,
  NewRun,
  Renderer,
  RunContext,
  RunEvent,
  RunKind,
  RunRecord,
  Runs,
  StartResult,
} from './kind.ts'
export { canonicalFormat } from './kind.ts'
export { runRoutes } from './routes.ts'
export { runs } from './runs.ts'
