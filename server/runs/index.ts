export type {
  AbortReason,
  Closing,
  Completion,
  EventBody,
  NewRun,
  RunContext,
  RunEvent,
  RunKind,
  RunRecord,
  Runs,
  Started,
} from './kind.ts'
export { runRoutes } from './routes.ts'
export { runs } from './runs.ts'
