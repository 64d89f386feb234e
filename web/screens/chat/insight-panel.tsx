import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ConversationAnalysis, getConversationAnalysis } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { formatCost, formatPercent, formatSeconds } from '../../ui/format.ts'
import { Badge, ErrorState, Skeleton } from '../../ui/state.tsx'
import './insight-panel.css'
import { SidePanel, SidePanelHeader } from './side-panel.tsx'
import './fact-list.css'

/** Metrics and topics of a conversation. */
export function InsightPanel({
  conversationId,
  messageCount,
  onClose,
}: {
  conversationId: string
  /** The number of messages shown. The metrics are loaded again when it changes. */
  messageCount: number
  onClose: () => void
}) {
  return (
    <SidePanel label={t('Insight')} onClose={onClose}>
      <SidePanelHeader title={t('Insight')} onClose={onClose} />
      <div className="side-panel-body">
        <Metrics conversationId={conversationId} messageCount={messageCount} />
      </div>
    </SidePanel>
  )
}

function Metrics({ conversationId, messageCount }: { conversationId: string; messageCount: number }) {
  const api = useApi()
  const insight = useQuery({
    queryKey: [...keys.intelligence(conversationId), messageCount],
    queryFn: () => api.call(getConversationAnalysis, { params: { id: conversationId } }),
    placeholderData: keepPreviousData,
    refetchOnMount: 'always',
  })
  if (insight.isError && !insight.data)
    return <ErrorState error={insight.error} onRetry={() => void insight.refetch()} />
  if (!insight.data) return <Skeleton height="12rem" />
  const { metrics, average_quality: quality, topics, quality_by_turn: turns, cost } = insight.data
  const issues = turns.flatMap((turn) => turn.issues.map((issue) => ({ issue, turn: turn.message_id })))
  return (
    <div className="insight-panel">
      {topics.length > 0 && (
        <section>
          <h3>{t('Topics')}</h3>
          <p className="insight-topics">
            {topics.map((topic) => (
              <Badge key={topic}>{topic}</Badge>
            ))}
          </p>
        </section>
      )}
      <section>
        <h3>{t('Answers')}</h3>
        <Meter name={t('Supported by sources')} value={quality.factual_grounding} />
        <Meter name={t('Relevance')} value={quality.relevance} />
        <Meter name={t('Engagement')} value={quality.engagement} />
        <GroundingByTurn turns={turns} />
      </section>
      {issues.length > 0 && (
        <section>
          <h3>{t('Issues')}</h3>
          <ul className="insight-issues">
            {issues.slice(-6).map(({ issue, turn }) => (
              <li key={`${turn} ${issue}`}>{issue}</li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>{t('Conversation')}</h3>
        <dl className="fact-list">
          <dt>{t('Answers')}</dt>
          <dd>{metrics.total_turns}</dd>
          {cost !== undefined && (
            <>
              <dt>{t('Cost so far')}</dt>
              <dd>{formatCost(cost)}</dd>
            </>
          )}
          <dt>{t('Response time')}</dt>
          <dd>{metrics.avg_response_time === null ? '–' : formatSeconds(metrics.avg_response_time)}</dd>
          <dt>{t('Estimated satisfaction')}</dt>
          <dd>
            {percent(
              metrics.user_satisfaction_estimate === null ? null : metrics.user_satisfaction_estimate * 100,
            )}
          </dd>
        </dl>
      </section>
    </div>
  )
}

const percent = (value: number | null): string =>
  value === null ? t('Not measured') : formatPercent(value / 100)

function Meter({ name, value }: { name: string; value: number | null }) {
  return (
    <div className="insight-meter">
      <span>{name}</span>
      <span>{percent(value)}</span>
      {value !== null && <meter min={0} max={100} value={value} aria-label={name} />}
    </div>
  )
}

/** One bar per answer: the share of its statements that sources support. */
function GroundingByTurn({ turns }: { turns: ConversationAnalysis['quality_by_turn'] }) {
  const shown = turns.slice(-40)
  if (shown.length < 2) return null
  const step = 100 / shown.length
  return (
    <svg
      className="insight-turns"
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      role="img"
      aria-label={t('Supported by sources, per answer, oldest first')}
    >
      {shown.map((turn, i) => {
        const value = turn.factual_grounding ?? 0
        return (
          <rect
            key={turn.message_id}
            className={turn.answered ? 'insight-turn' : 'insight-turn-unanswered'}
            x={i * step + step * 0.15}
            width={step * 0.7}
            y={29 - value * 28}
            height={1 + value * 28}
          />
        )
      })}
    </svg>
  )
}
