export { ollamaErrors } from './errors.ts'
export { generateProtocol, ollamaProtocol } from './protocol.ts'
export { ollamaRoutes } from './routes.ts'
