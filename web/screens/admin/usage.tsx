import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn } from 'lucide-react'
import { useState } from 'react'
import { getUsage } from '../../../contract/admin.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { TextField } from '../../ui/field.tsx'
import { formatBytes } from '../../ui/format.ts'
import { EmptyState, ErrorState, Skeleton } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { useUserName } from './use-users.ts'
import './usage.css'

const dayMs = 24 * 60 * 60_000
const formatNumber = (n: number): string => n.toLocaleString('en')
/** Returns the date of a moment in this time zone, as date fields have it. */
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
          label="From"
          type="date"
          value={from}
          error={isValid ? undefined : 'Choose a first day that is not after the last one.'}
          onChange={(event) => setFrom(event.target.value)}
        />
        <TextField label="To" type="date" value={to} onChange={(event) => setTo(event.target.value)} />
      </div>
      {usage.isError && !usage.data ? (
        <ErrorState error={usage.error} onRetry={() => void usage.refetch()} />
      ) : !usage.data ? (
        <Skeleton height="16rem" />
      ) : (
        <>
          <Section title="Answers">
            {usage.data.usage.length === 0 ? (
              <EmptyState icon={ChartNoAxesColumn} title="No answers in this period" />
            ) : (
              <Table
                label="Answers by user and model"
                columns={[
                  { title: 'User' },
                  { title: 'Model' },
                  { title: 'Questions', isNumber: true },
                  { title: 'Tokens read', isNumber: true },
                  { title: 'Tokens written', isNumber: true },
                ]}
              >
                {usage.data.usage.map((entry) => (
                  <tr key={`${entry.user_id} ${entry.model}`}>
                    <td dir="auto">{nameOf(entry.user_id)}</td>
                    <td>{entry.model ?? 'None'}</td>
                    <td className="number">{formatNumber(entry.questions)}</td>
                    <td className="number">{formatNumber(entry.prompt_tokens)}</td>
                    <td className="number">{formatNumber(entry.completion_tokens)}</td>
                  </tr>
                ))}
              </Table>
            )}
          </Section>
          <Section title="Storage" text="Documents at present.">
            {usage.data.storage.length === 0 ? (
              <EmptyState title="No documents yet" />
            ) : (
              <Table
                label="Storage by user"
                columns={[
                  { title: 'User' },
                  { title: 'Documents', isNumber: true },
                  { title: 'Size', isNumber: true },
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
