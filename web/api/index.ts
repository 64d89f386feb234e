/** The client library: no React in here, usable by any front end. README.md beside it shows how. */
export { type Answer, answerFold } from './answer.ts'
export { ApiError, type Client, type ClientOptions, createClient } from './client.ts'
export {
  type Api,
  type ApiKey,
  type AveeChanges,
  createApi,
  type Grant,
  type Me,
  type MessageList,
  type NewAvee,
  type Status,
} from './endpoints.ts'
export { type Ingest, type IngestFile, ingestFold } from './ingest.ts'
export { keys } from './keys.ts'
export { type Pull, pullFold } from './pull.ts'
export { type RunEvent, RunReader, type RunReaderOptions } from './run-reader.ts'
export {
  createRunHub,
  type Fold,
  type RunHub,
  type RunSnapshot,
  type RunStore,
  runIdOf,
} from './run-store.ts'
export { sendOnce } from './send-once.ts'
export { type UploadHandlers, uploadFile } from './upload.ts'
