export { webhookRoutes } from './routes.ts'
export { webhooks } from './webhooks.ts'
