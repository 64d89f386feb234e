/** The client library. It does not depend on React. README.md shows how to use it. */

export type { ApiKey, Me } from '../../contract/accounts.ts'
export type { MessageList } from '../../contract/chat.ts'
export type { Status } from '../../contract/localchat.ts'
export { type Answer, answerFold } from './answer.ts'
export { ApiError, type Client, type ClientOptions, createClient, type RequestInput } from './client.ts'
export { createFold, type Fold } from './events.ts'
export { type Ingest, type IngestFile, ingestFold } from './ingest.ts'
export { keys } from './keys.ts'
export { type Pull, pullFold } from './pull.ts'
export { onPageWake, type RunEvent, RunReader, type RunReaderOptions } from './run-reader.ts'
export {
  createRunHub,
  type RunHub,
  type RunSnapshot,
  type RunStore,
  runIdOf,
} from './run-store.ts'
export { sendOnce } from './send-once.ts'
export { type UploadHandlers, uploadFile } from './upload.ts'
