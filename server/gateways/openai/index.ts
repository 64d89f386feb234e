export { openaiProtocol } from './chat-protocol.ts'
export { openaiErrors, responsesErrors } from './errors.ts'
export { responsesProtocol } from './responses-protocol.ts'
export { openaiRoutes } from './routes.ts'
