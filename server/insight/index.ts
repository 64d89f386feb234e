export {
  type Conversations,
  type Insight,
  type InsightDependencies as InsightParts,
  insight,
  type OwnMessage,
  type PresentTurn,
} from './insight.ts'
export { insightRoutes } from './routes.ts'
export { summaryLookback as summaryWithin } from './summaries.ts'
