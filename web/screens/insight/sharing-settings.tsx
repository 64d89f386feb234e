import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getVisitorSettings, updateVisitorSettings } from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import type { VisitorSettings } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'

const options: { key: keyof VisitorSettings; title: Message; description: Message }[] = [
  {
    key: 'share_unanswered',
    title: message('See unanswered questions'),
    description: message(
      'Visitors see a notice in the chat and can decline. You see questions asked after the notice, with names, addresses and numbers removed.',
    ),
  },
  {
    key: 'allow_pass_on',
    title: message('Receive questions from visitors'),
    description: message(
      'Visitors can send you a question with their name. Your reply appears in their conversation.',
    ),
  },
]

/** Settings for what visitors share with the owner of an avee. */
export function SharingSettings({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const key = keys.insightSettings(avee.id)
  const settings = useQuery({
    queryKey: key,
    queryFn: () => api.call(getVisitorSettings, { params: { id: avee.id } }),
  })
  const change = useMutation({
    mutationFn: (changes: Partial<VisitorSettings>) =>
      api.call(updateVisitorSettings, { params: { id: avee.id }, body: changes }),
    onSuccess: (saved) => queries.setQueryData(key, saved),
  })
  return (
    <Section
      title={t('Visitor sharing')}
      text={t('Visitors’ conversations are private. You only see what you turn on here.')}
    >
      {settings.isError && !settings.data ? (
        <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />
      ) : !settings.data ? (
        <Skeleton height="8rem" />
      ) : (
        <div className="choices">
          {options.map(({ key: name, title, description }) => (
            <label key={name} className="choice">
              <input
                type="checkbox"
                role="switch"
                checked={
                  change.isPending ? (change.variables[name] ?? settings.data[name]) : settings.data[name]
                }
                onChange={(event) => change.mutate({ [name]: event.target.checked })}
              />
              <span className="choice-text">
                {t(title)}
                <small>{t(description)}</small>
              </span>
            </label>
          ))}
        </div>
      )}
      {change.error && <Notice kind="bad">{errorMessage(change.error)}</Notice>}
    </Section>
  )
}
