export type {
  AbortReason,
  Batch,
  Closing,
  Completion,
  EventBody,
  Frame,
  LogView,
  NewRun,
  Renderer,
  RunContext,
  RunEvent,
  RunKind,
  RunRecord,
  RunStatement,
  StartResult,
  Viewer,
} from './kind.ts'
export { canonicalFormat } from './kind.ts'
export { runRoutes } from './routes.ts'
export { type Runs, runs } from './runs.ts'
