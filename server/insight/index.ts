export {
  type Conversations,
  type Insight,
  type InsightParts,
  insight,
  type OwnMessage,
  type PresentTurn,
} from './insight.ts'
export { insightRoutes } from './routes.ts'
export { summaryWithin } from './summaries.ts'
