export { localchatChatRoutes } from './chat.ts'

export { localchatDocumentRoutes } from './documents.ts'
export { localchatModelRoutes } from './models.ts'
export { localchatProtocol } from './protocol.ts'
export { localchatStatusRoutes } from './status.ts'
