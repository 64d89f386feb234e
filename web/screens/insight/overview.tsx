import { useQuery } from '@tanstack/react-query'
import { ThumbsDown, ThumbsUp } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { type AveeInsight, getAveeInsight } from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerLabels } from '../../documents/layers.ts'
import { Section } from '../../shell/page.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { Badge, EmptyState, ErrorState, Notice, Skeleton } from '../../ui/state.tsx'
import { DailyBarChart, DailyLineChart, ShareBar, Sparkline } from './charts.tsx'
import { lastDays } from './days.ts'

const periods = [7, 30, 90]

/** An avee's conversations as numbers. */
export function Overview({ avee }: { avee: Avee }) {
  const api = useApi()
  const [days, setDays] = useState(30)
  const seen = useQuery({
    queryKey: keys.dashboard(avee.id, days),
    queryFn: () => api.call(getAveeInsight, { params: { id: avee.id }, query: { days } }),
    placeholderData: (before) => before,
  })
  const period = (
    <SmallSelect label="Period" value={days} onChange={(event) => setDays(Number(event.target.value))}>
      {periods.map((each) => (
        <option key={each} value={each}>
          {each} days
        </option>
      ))}
    </SmallSelect>
  )
  return (
    <div className="insight-parts">
      <Section title="Conversations" actions={period}>
        {seen.isError && !seen.data ? (
          <ErrorState error={seen.error} onRetry={() => void seen.refetch()} />
        ) : !seen.data ? (
          <Skeleton height="14rem" />
        ) : (
          <Figures insight={seen.data} />
        )}
      </Section>
      {seen.data && <Topics insight={seen.data} />}
      {seen.data && <Documents insight={seen.data} />}
    </div>
  )
}

function Figures({ insight }: { insight: AveeInsight }) {
  const { totals, by_day } = insight
  const days = lastDays(insight.days)
  const byDay = new Map(by_day.map((day) => [day.day, day]))
  const hidden = insight.withheld && (
    <Notice>
      Figures of a day, a topic or a document count other people only where they are at least{' '}
      {insight.least_people}: with fewer, a number would tell what one person did.
    </Notice>
  )
  if (totals.turns === 0)
    return (
      <>
        <EmptyState title="Nothing to show yet">
          {insight.withheld
            ? 'Too few people have talked with it for figures that tell nothing about any of them.'
            : 'Figures come with the first answers.'}
        </EmptyState>
        {hidden}
      </>
    )
  return (
    <>
      <dl className="figures">
        <Figure
          name="Answers"
          value={totals.turns.toLocaleString('en')}
          note={formatCount(totals.conversations, 'conversation')}
        />
        <Figure name="Not answered" value={totals.unanswered.toLocaleString('en')} />
        <Figure name="Supported by documents" value={percent(totals.factual_grounding)} />
        <Figure name="To the point" value={percent(totals.relevance)} />
        <Figure
          name="Thumbs"
          value={
            <span className="figure-thumbs">
              <ThumbsUp size={18} aria-label="up" /> {totals.thumbs_up}
              <ThumbsDown size={18} aria-label="down" /> {totals.thumbs_down}
            </span>
          }
        />
        <Figure
          name="Time to answer"
          value={totals.avg_response_time === null ? '–' : `${totals.avg_response_time.toFixed(1)} s`}
        />
      </dl>
      <div className="plots">
        <figure>
          <figcaption>
            Answers a day <span className="plot-key">not answered</span>
          </figcaption>
          <DailyBarChart
            label={`Answers a day over ${insight.days} days, ${totals.turns} in all`}
            partName="not answered"
            values={days.map((day) => ({
              day,
              value: byDay.get(day)?.turns ?? 0,
              part: byDay.get(day)?.unanswered ?? 0,
            }))}
          />
        </figure>
        <figure>
          <figcaption>Supported by documents</figcaption>
          <DailyLineChart
            label={`Part of the statements that passages support, day by day; ${percent(totals.factual_grounding)} over all`}
            values={days.map((day) => ({ day, value: byDay.get(day)?.factual_grounding ?? null }))}
          />
        </figure>
      </div>
      {hidden}
    </>
  )
}

function Figure({ name, value, note }: { name: string; value: ReactNode; note?: string }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
      {note && <dd className="figure-note">{note}</dd>}
    </div>
  )
}

const percent = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} %`)

function Topics({ insight }: { insight: AveeInsight }) {
  if (insight.topics.length === 0) return null
  const days = lastDays(insight.days)
  const most = Math.max(...insight.topics.map(({ turns }) => turns))
  return (
    <Section title="Topics">
      <ul className="bars">
        {insight.topics.map(({ topic, turns, by_day }) => (
          <li key={topic}>
            <span className="truncate">{topic}</span>
            <ShareBar value={turns} most={most} />
            <Sparkline days={days} counts={new Map(by_day.map((day) => [day.day, day.turns]))} />
            <span className="bars-count">{formatCount(turns, 'answer')}</span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Documents({ insight }: { insight: AveeInsight }) {
  const { documents_used: used, documents_unused: unused, documents_unused_total: total } = insight
  if (used.length + unused.length === 0) return null
  const most = Math.max(0, ...used.map(({ turns }) => turns))
  return (
    <Section title="Documents" text="Which of them answers rest on.">
      {used.length > 0 && (
        <ul className="bars">
          {used.map((document) => (
            <li key={document.document_id}>
              <span className="truncate">{document.title}</span>
              <ShareBar value={document.turns} most={most} />
              <Badge>{layerLabels[document.layer].title}</Badge>
              <span className="bars-count">{formatCount(document.turns, 'answer')}</span>
            </li>
          ))}
        </ul>
      )}
      {unused.length > 0 && (
        <details className="unused">
          <summary>{formatCount(total, 'document')} without a use that can be shown</summary>
          <ul>
            {unused.map((document) => (
              <li key={document.document_id} className="truncate">
                {document.title}
              </li>
            ))}
            {total > unused.length && (
              <li className="soft">and {formatCount(total - unused.length, 'more', 'more')}</li>
            )}
          </ul>
        </details>
      )}
    </Section>
  )
}
