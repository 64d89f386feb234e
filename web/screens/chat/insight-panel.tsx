import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { type ConversationAnalysis, getConversationAnalysis } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { IconButton } from '../../ui/button.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { narrowScreen, useMediaQuery } from '../../ui/media.ts'
import { Badge, ErrorState, Skeleton } from '../../ui/state.tsx'

/** A conversation as numbers and topics: beside it, or on phones a sheet over it. */
export function InsightPanel({
  conversationId,
  messages,
  onClose,
}: {
  conversationId: string
  /** How many messages are shown: with another one the figures are asked for anew. */
  messages: number
  onClose: () => void
}) {
  const isNarrow = useMediaQuery(narrowScreen)
  const content = <Figures conversationId={conversationId} messages={messages} />
  if (isNarrow)
    return (
      <Sheet open onOpenChange={(isOpen) => !isOpen && onClose()} title="Insight">
        <div className="citation-body">{content}</div>
      </Sheet>
    )
  return <Beside onClose={onClose}>{content}</Beside>
}

function Beside({ onClose, children }: { onClose: () => void; children: React.ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  // The panel takes the focus when it opens and gives it back when it closes.
  useEffect(() => {
    const before = document.activeElement
    heading.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <aside
      className="citation-panel"
      aria-label="Insight"
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <header className="citation-head">
        <div className="citation-title">
          <h2 ref={heading} tabIndex={-1}>
            Insight
          </h2>
        </div>
        <IconButton label="Close" icon={X} hint={false} onClick={onClose} />
      </header>
      <div className="citation-body">{children}</div>
    </aside>
  )
}

function Figures({ conversationId, messages }: { conversationId: string; messages: number }) {
  const api = useApi()
  const seen = useQuery({
    queryKey: [...keys.intelligence(conversationId), messages],
    queryFn: () => api.call(getConversationAnalysis, { params: { id: conversationId } }),
    placeholderData: (before) => before,
    refetchOnMount: 'always',
  })
  if (seen.isError && !seen.data) return <ErrorState error={seen.error} onRetry={() => void seen.refetch()} />
  if (!seen.data) return <Skeleton height="12rem" />
  const { metrics, average_quality: quality, topics, quality_by_turn: turns } = seen.data
  const issues = turns.flatMap((turn) => turn.issues.map((issue) => ({ issue, turn: turn.message_id })))
  return (
    <div className="insight">
      {topics.length > 0 && (
        <section>
          <h3>Topics</h3>
          <p className="insight-topics">
            {topics.map((topic) => (
              <Badge key={topic}>{topic}</Badge>
            ))}
          </p>
        </section>
      )}
      <section>
        <h3>Answers</h3>
        <Meter name="Supported by the cited passages" value={quality.factual_grounding} />
        <Meter name="To the point" value={quality.relevance} />
        <Meter name="Engaging" value={quality.engagement} />
        <GroundingByTurn turns={turns} />
      </section>
      {issues.length > 0 && (
        <section>
          <h3>Worth a look</h3>
          <ul className="insight-issues">
            {issues.slice(-6).map(({ issue, turn }) => (
              <li key={`${turn} ${issue}`}>{issue}</li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>Conversation</h3>
        <dl className="facts">
          <dt>Answers</dt>
          <dd>{metrics.total_turns}</dd>
          <dt>Time to answer</dt>
          <dd>{metrics.avg_response_time === null ? '–' : `${metrics.avg_response_time.toFixed(1)} s`}</dd>
          <dt>Satisfaction, as it seems</dt>
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

const percent = (value: number | null): string => (value === null ? 'not measured' : `${Math.round(value)} %`)

function Meter({ name, value }: { name: string; value: number | null }) {
  return (
    <div className="insight-meter">
      <span>{name}</span>
      <span>{percent(value)}</span>
      {value !== null && <meter min={0} max={100} value={value} aria-label={name} />}
    </div>
  )
}

/** A bar for each answer: how far the passages support it; a line where there was nothing to support. */
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
      aria-label="Support of each answer, the oldest first"
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
