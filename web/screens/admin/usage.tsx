import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn } from 'lucide-react'
import { useState } from 'react'
import { getUsage } from '../../../contract/admin.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { TextField } from '../../ui/field.tsx'
import { formatBytes, formatCost, formatNumber } from '../../ui/format.ts'
import { EmptyState, ErrorState, Skeleton } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { useUserName } from './use-users.ts'
import './usage.css'

const dayMs = 24 * 60 * 60_000
/** Returns the local date of a moment in the format of date fields. */
const dateOf = (moment: Date): string =>
  new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)

/** Questions and tokens by user and model between two dates, and the storage of each user. */
export function Usage() {
  const api = useApi()
  const nameOf = useUserName()
  const [from, setFrom] = useState(() => dateOf(new Date(Date.now() - 29 * dayMs)))
  const [to, setTo] = useState(() => dateOf(new Date()))
  const start = new Date(`${from}T00:00`)
  const end = new Date(`${to}T00:00`)
  end.setDate(end.getDate() + 1)
  const isValid = start < end
  const usage = useQuery({
    queryKey: keys.adminUsage(from, to),
    queryFn: () => api.call(getUsage, { query: { from: start.toISOString(), to: end.toISOString() } }),
    enabled: isValid,
    placeholderData: keepPreviousData,
  })
  return (
    <div className="stack">
      <div className="usage-dates">
        <TextField
          label={t('From')}
          type="date"
          value={from}
          error={isValid ? undefined : t('The first day must not be after the last day.')}
          onChange={(event) => setFrom(event.target.value)}
        />
        <TextField label={t('To')} type="date" value={to} onChange={(event) => setTo(event.target.value)} />
      </div>
      {usage.isError && !usage.data ? (
        <ErrorState error={usage.error} onRetry={() => void usage.refetch()} />
      ) : !usage.data ? (
        <Skeleton height="16rem" />
      ) : (
        <>
          <Section title={t('Answers')}>
            {usage.data.usage.length === 0 ? (
              <EmptyState icon={ChartNoAxesColumn} title={t('No answers in this period')} />
            ) : (
              <Table
                label={t('Answers by user and model')}
                columns={[
                  { title: t('User') },
                  { title: t('Model') },
                  { title: t('Questions'), isNumber: true },
                  { title: t('Tokens read'), isNumber: true },
                  { title: t('Tokens written'), isNumber: true },
                  { title: t('Cost'), isNumber: true },
                ]}
              >
                {usage.data.usage.map((entry) => (
                  <tr key={`${entry.user_id} ${entry.model}`}>
                    <td dir="auto">{nameOf(entry.user_id)}</td>
                    <td>{entry.model ?? t('None')}</td>
                    <td className="number">{formatNumber(entry.questions)}</td>
                    <td className="number">{formatNumber(entry.prompt_tokens)}</td>
                    <td className="number">{formatNumber(entry.completion_tokens)}</td>
                    <td className="number">{entry.cost === null ? '–' : formatCost(entry.cost)}</td>
                  </tr>
                ))}
              </Table>
            )}
          </Section>
          <Section title={t('Storage')} text={t('Current documents.')}>
            {usage.data.storage.length === 0 ? (
              <EmptyState title={t('No documents yet')} />
            ) : (
              <Table
                label={t('Storage by user')}
                columns={[
                  { title: t('User') },
                  { title: t('Documents'), isNumber: true },
                  { title: t('Size'), isNumber: true },
                ]}
              >
                {usage.data.storage.map((entry) => (
                  <tr key={entry.user_id}>
                    <td dir="auto">{nameOf(entry.user_id)}</td>
                    <td className="number">{formatNumber(entry.documents)}</td>
                    <td className="number">{formatBytes(entry.bytes)}</td>
                  </tr>
                ))}
              </Table>
            )}
          </Section>
        </>
      )}
    </div>
  )
}
