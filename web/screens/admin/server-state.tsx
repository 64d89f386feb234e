import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { getLogs, getStorage, listAllRuns, listJobs } from '../../../contract/admin.ts'
import { type RunStatus, runStatus } from '../../../contract/runs.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { formatBytes, formatFullTime, formatNumber, formatTime } from '../../ui/format.ts'
import { EmptyState, Loaded, Progress } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { useUserName } from './use-users.ts'

const refreshMs = 10_000
const shownTables = 8

/** Storage, runs, background jobs and log lines. */
export function ServerState() {
  return (
    <div className="stack">
      <Storage />
      <Runs />
      <Jobs />
      <Log />
    </div>
  )
}

function Storage() {
  const api = useApi()
  const storage = useQuery({ queryKey: keys.adminStorage, queryFn: () => api.call(getStorage) })
  return (
    <Section title={t('Storage')}>
      <Loaded query={storage} height="8rem">
        {({ database_bytes, disk_bytes, free_bytes, tables }) => (
          <>
            <div className="stack-tight">
              <p>
                {t('{free} of {total} free · database {database}', {
                  free: formatBytes(free_bytes),
                  total: formatBytes(disk_bytes),
                  database: formatBytes(database_bytes),
                })}
              </p>
              <Progress value={1 - free_bytes / disk_bytes} label={t('Used disk space')} />
            </div>
            <Table
              label={t('Largest tables')}
              columns={[
                { title: t('Table') },
                { title: t('Rows'), isNumber: true },
                { title: t('Size'), isNumber: true },
              ]}
            >
              {tables.slice(0, shownTables).map(({ name, bytes, rows }) => (
                <tr key={name}>
                  <td>
                    <code>{name}</code>
                  </td>
                  <td className="number">{rows === null ? '–' : formatNumber(rows)}</td>
                  <td className="number">{formatBytes(bytes)}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Loaded>
    </Section>
  )
}

function Runs() {
  const api = useApi()
  const nameOf = useUserName()
  const [status, setStatus] = useState<RunStatus | ''>('')
  const list = useQuery({
    queryKey: keys.adminRuns(status),
    queryFn: () => api.call(listAllRuns, { query: { limit: 25, ...(status ? { status } : {}) } }),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
  return (
    <Section
      title={t('Runs')}
      text={t('Answers, uploads and downloads, the newest first.')}
      actions={
        <SmallSelect
          label={t('Status of runs')}
          value={status}
          onChange={(event) => setStatus(event.target.value as RunStatus | '')}
        >
          <option value="">{t('All')}</option>
          {runStatus.options.map((value) => (
            <option key={value} value={value}>
              {value}
            </option>
          ))}
        </SmallSelect>
      }
    >
      <Loaded query={list} height="8rem">
        {({ runs }) =>
          runs.length === 0 ? (
            <EmptyState title={t('No runs')} />
          ) : (
            <Table
              label={t('Runs')}
              columns={[
                { title: t('Started') },
                { title: t('Kind') },
                { title: t('User') },
                { title: t('Status') },
                { title: t('Attempt'), isNumber: true },
                { title: t('Events'), isNumber: true },
              ]}
            >
              {runs.map((run) => (
                <tr key={run.id}>
                  <td className="time" title={formatFullTime(run.created_at)}>
                    {formatTime(run.created_at)}
                  </td>
                  <td>
                    <code>{run.kind}</code>
                  </td>
                  <td dir="auto">{nameOf(run.user_id)}</td>
                  <td>
                    {run.status}
                    {run.error_code && `: ${run.error_code}`}
                  </td>
                  <td className="number">{run.attempt}</td>
                  <td className="number">{formatNumber(run.last_event)}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </Section>
  )
}

function Jobs() {
  const api = useApi()
  const list = useQuery({
    queryKey: keys.adminJobs,
    queryFn: () => api.call(listJobs),
    refetchInterval: refreshMs,
  })
  return (
    <Section title={t('Background jobs')}>
      <Loaded query={list} height="8rem">
        {({ counts, failed }) => (
          <>
            {counts.length === 0 ? (
              <p className="soft">{t('No jobs are waiting.')}</p>
            ) : (
              <Table
                label={t('Jobs by kind')}
                columns={[{ title: t('Kind') }, { title: t('State') }, { title: t('Jobs'), isNumber: true }]}
              >
                {counts.map(({ kind, state, count }) => (
                  <tr key={`${kind} ${state}`}>
                    <td>
                      <code>{kind}</code>
                    </td>
                    <td>{state}</td>
                    <td className="number">{formatNumber(count)}</td>
                  </tr>
                ))}
              </Table>
            )}
            {failed.length > 0 && (
              <Table
                label={t('Failed jobs')}
                columns={[
                  { title: t('Failed') },
                  { title: t('Kind') },
                  { title: t('Failures'), isNumber: true },
                  { title: t('Error') },
                ]}
              >
                {failed.map((job) => (
                  <tr key={job.id}>
                    <td className="time">{job.failed_at && formatTime(job.failed_at)}</td>
                    <td>
                      <code>{job.kind}</code>
                    </td>
                    <td className="number">
                      {t('{count, plural, one {# time} other {# times}}', { count: job.failures })},{' '}
                      {job.state}
                    </td>
                    <td>{job.error}</td>
                  </tr>
                ))}
              </Table>
            )}
          </>
        )}
      </Loaded>
    </Section>
  )
}

function Log() {
  const api = useApi()
  const log = useQuery({
    queryKey: keys.adminLogs,
    queryFn: () => api.call(getLogs, { query: { limit: 100 } }),
    refetchInterval: refreshMs,
  })
  return (
    <Section title={t('Log')} text={t('The newest lines of this server process.')}>
      <Loaded query={log} height="8rem">
        {({ lines }) => (
          <Table
            label={t('Log lines')}
            columns={[{ title: t('Time') }, { title: t('Level') }, { title: t('Message') }]}
          >
            {lines.map(({ time, level, msg, ...rest }, i) => (
              // oxlint-disable-next-line react/no-array-index-key -- lines have no id
              <tr key={i}>
                <td className="time">{String(time)}</td>
                <td>{String(level)}</td>
                <td>
                  {typeof msg === 'string' && msg} <code className="soft">{JSON.stringify(rest)}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </Section>
  )
}
