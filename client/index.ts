/** The TypeScript client, for browsers and Node. README.md shows how to use it. */

export { type Answer, answerFold } from './answer.ts'
export {
  ApiError,
  type Client,
  type ClientOptions,
  createClient,
  errorFromText,
  type RequestInput,
  unreachable,
} from './client.ts'
export { createFold, type Fold } from './events.ts'
export { type Ingest, type IngestFile, ingestFold } from './ingest.ts'
export { type Pull, pullFold } from './pull.ts'
export { onPageWake, type RunEvent, RunReader, type RunReaderOptions } from './run-reader.ts'
export {
  createRunHub,
  type RunHub,
  type RunSnapshot,
  type RunStore,
  runIdOf,
} from './run-store.ts'
export { createKey, sendOnce } from './send-once.ts'
