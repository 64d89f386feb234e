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
  Started,
} from './kind.ts'
export { canonicalFormat } from './kind.ts'
export { runRoutes } from './routes.ts'
export { runs } from './runs.ts'
