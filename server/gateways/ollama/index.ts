export { ollamaProtocol } from './protocol.ts'
