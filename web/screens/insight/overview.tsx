import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ThumbsDown, ThumbsUp } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { type AveeInsight, getAveeInsight } from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerLabels } from '../../documents/layers.ts'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { formatNumber, formatPercent, formatSeconds } from '../../ui/format.ts'
import { Badge, EmptyState, ErrorState, Notice, Skeleton } from '../../ui/state.tsx'
import { DailyBarChart, DailyLineChart, ShareBar, Sparkline } from './charts.tsx'
import { lastDays } from './days.ts'
import './overview.css'

const periodsInDays = [7, 30, 90]

/** Metrics of an avee's conversations, topics and documents. */
export function Overview({ avee }: { avee: Avee }) {
  const api = useApi()
  const [days, setDays] = useState(30)
  const dashboard = useQuery({
    queryKey: keys.dashboard(avee.id, days),
    queryFn: () => api.call(getAveeInsight, { params: { id: avee.id }, query: { days } }),
    placeholderData: keepPreviousData,
  })
  const period = (
    <SmallSelect label={t('Period')} value={days} onChange={(event) => setDays(Number(event.target.value))}>
      {periodsInDays.map((length) => (
        <option key={length} value={length}>
          {t('Last {count, plural, one {# day} other {# days}}', { count: length })}
        </option>
      ))}
    </SmallSelect>
  )
  return (
    <div className="overview">
      <Section title={t('Conversations')} actions={period}>
        {dashboard.isError && !dashboard.data ? (
          <ErrorState error={dashboard.error} onRetry={() => void dashboard.refetch()} />
        ) : !dashboard.data ? (
          <Skeleton height="14rem" />
        ) : (
          <Figures insight={dashboard.data} />
        )}
      </Section>
      {dashboard.data && <Topics insight={dashboard.data} />}
      {dashboard.data && <Documents insight={dashboard.data} />}
    </div>
  )
}

function Figures({ insight }: { insight: AveeInsight }) {
  const { totals, by_day } = insight
  const days = lastDays(insight.days)
  const byDay = new Map(by_day.map((day) => [day.day, day]))
  const privacyNotice = insight.withheld && (
    <Notice>
      {t(
        'To protect privacy, metrics of a day, topic or document include other people only if there are at least {count} of them.',
        { count: insight.least_people },
      )}
    </Notice>
  )
  if (totals.turns === 0)
    return (
      <>
        <EmptyState title={t('No data yet')}>
          {insight.withheld
            ? t('To protect privacy, metrics appear once more people have chatted with this avee.')
            : t('Metrics appear after the first answer.')}
        </EmptyState>
        {privacyNotice}
      </>
    )
  return (
    <>
      <dl className="figures">
        <Figure
          name={t('Answers')}
          value={formatNumber(totals.turns)}
          note={t('{count, plural, one {# conversation} other {# conversations}}', {
            count: totals.conversations,
          })}
        />
        <Figure name={t('Not answered')} value={formatNumber(totals.unanswered)} />
        <Figure name={t('Supported by documents')} value={percent(totals.factual_grounding)} />
        <Figure name={t('Relevance')} value={percent(totals.relevance)} />
        <Figure
          name={t('Feedback')}
          value={
            <span className="figure-thumbs">
              <ThumbsUp size={18} aria-label={t('Good')} /> {totals.thumbs_up}
              <ThumbsDown size={18} aria-label={t('Bad')} /> {totals.thumbs_down}
            </span>
          }
        />
        <Figure
          name={t('Response time')}
          value={totals.avg_response_time === null ? '–' : formatSeconds(totals.avg_response_time)}
        />
      </dl>
      <div className="charts">
        <figure>
          <figcaption>
            {t('Answers per day')} <span className="chart-legend">{t('Not answered')}</span>
          </figcaption>
          <DailyBarChart
            label={t(
              'Answers per day in the last {count, plural, one {# day} other {# days}}, {total, number} in total',
              {
                count: insight.days,
                total: totals.turns,
              },
            )}
            partLabel={t('not answered')}
            values={days.map((day) => ({
              day,
              value: byDay.get(day)?.turns ?? 0,
              part: byDay.get(day)?.unanswered ?? 0,
            }))}
          />
        </figure>
        <figure>
          <figcaption>{t('Supported by documents')}</figcaption>
          <DailyLineChart
            label={t('Share of statements supported by documents per day, {share} overall', {
              share: percent(totals.factual_grounding),
            })}
            values={days.map((day) => ({ day, value: byDay.get(day)?.factual_grounding ?? null }))}
          />
        </figure>
      </div>
      {privacyNotice}
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

const percent = (value: number | null): string => (value === null ? '–' : formatPercent(value / 100))

function Topics({ insight }: { insight: AveeInsight }) {
  if (insight.topics.length === 0) return null
  const days = lastDays(insight.days)
  const max = Math.max(...insight.topics.map(({ turns }) => turns))
  return (
    <Section title={t('Topics')}>
      <ul className="bars">
        {insight.topics.map(({ topic, turns, by_day }) => (
          <li key={topic}>
            <span className="truncate">{topic}</span>
            <ShareBar value={turns} max={max} />
            <Sparkline days={days} counts={new Map(by_day.map((day) => [day.day, day.turns]))} />
            <span className="bars-count">
              {t('{count, plural, one {# answer} other {# answers}}', { count: turns })}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Documents({ insight }: { insight: AveeInsight }) {
  const { documents_used: used, documents_unused: unused, documents_unused_total: total } = insight
  if (used.length + unused.length === 0) return null
  const max = Math.max(0, ...used.map(({ turns }) => turns))
  return (
    <Section title={t('Documents')} text={t('How many answers cite each document.')}>
      {used.length > 0 && (
        <ul className="bars">
          {used.map((document) => (
            <li key={document.document_id}>
              <span className="truncate">{document.title}</span>
              <ShareBar value={document.turns} max={max} />
              <Badge>{t(layerLabels[document.layer].title)}</Badge>
              <span className="bars-count">
                {t('{count, plural, one {# answer} other {# answers}}', { count: document.turns })}
              </span>
            </li>
          ))}
        </ul>
      )}
      {unused.length > 0 && (
        <details className="unused-documents">
          <summary>
            {insight.withheld
              ? t('{count, plural, one {# document} other {# documents}} with too few citations to show', {
                  count: total,
                })
              : t('{count, plural, one {# document} other {# documents}} not cited', { count: total })}
          </summary>
          <ul>
            {unused.map((document) => (
              <li key={document.document_id} className="truncate">
                {document.title}
              </li>
            ))}
            {total > unused.length && (
              <li className="soft">{t('and {count, number} more', { count: total - unused.length })}</li>
            )}
          </ul>
        </details>
      )}
    </Section>
  )
}
