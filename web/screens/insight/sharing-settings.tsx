import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getVisitorSettings, updateVisitorSettings } from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import type { VisitorSettings } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'

const switches: { key: keyof VisitorSettings; title: string; text: string }[] = [
  {
    key: 'share_unanswered',
    title: 'Show me questions that it could not answer',
    text: 'Visitors are told in the chat and may say no. You see the question without a name, an address or a number, and only those asked after they were told.',
  },
  {
    key: 'allow_pass_on',
    title: 'Take questions that visitors pass on',
    text: 'A visitor may send you a question with their name. Your reply comes into their conversation.',
  },
]

/** What visitors may share with the owner or send them. */
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
      title="What visitors share"
      text="What others say to this avee stays between it and them, except for this."
    >
      {settings.isError && !settings.data ? (
        <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />
      ) : !settings.data ? (
        <Skeleton height="8rem" />
      ) : (
        <div className="choices">
          {switches.map(({ key: name, title, text }) => (
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
                {title}
                <small>{text}</small>
              </span>
            </label>
          ))}
        </div>
      )}
      {change.error && <Notice kind="bad">{errorMessage(change.error)}</Notice>}
    </Section>
  )
}
