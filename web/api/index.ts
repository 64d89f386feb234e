/** The client of the page: the TypeScript client, with parts that only a page needs. */

import './zod-without-eval.ts'

export * from '../../client/index.ts'
export type { ApiKey, Me } from '../../contract/accounts.ts'
export type { MessageList } from '../../contract/conversations.ts'
export type { Status } from '../../contract/localchat.ts'
export { errorText } from './error-texts.ts'
export { keys } from './keys.ts'
export { type UploadHandlers, uploadFile } from './upload.ts'
