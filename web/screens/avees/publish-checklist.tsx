import { useQuery } from '@tanstack/react-query'
import { Check, Circle } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { listDocuments } from '../../../contract/knowledge.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import './publish-checklist.css'

/** Lists the parts of an avee that visitors expect, and whether they are complete. */
export function PublishChecklist({
  avee,
  edited,
}: {
  avee: Avee
  edited: { avatar: string | null; bio: string; persona: string; greeting: string; questions: string[] }
}) {
  const api = useApi()
  const documents = useQuery({
    queryKey: [...keys.documentLists(avee.id), 'checklist'],
    queryFn: () => api.call(listDocuments, { params: { id: avee.id }, query: { limit: 200 } }),
  })
  const items = [
    { title: t('A picture'), isDone: Boolean(edited.avatar) },
    { title: t('A description'), isDone: edited.bio.trim() !== '' },
    { title: t('A persona'), isDone: edited.persona.trim() !== '' },
    { title: t('A greeting'), isDone: edited.greeting.trim() !== '' },
    { title: t('Example questions'), isDone: edited.questions.length > 0 },
    {
      title: t('A document in the public layer'),
      isDone: documents.data?.documents.some(({ layer }) => layer === 'public') ?? false,
    },
  ]
  const missing = items.filter(({ isDone }) => !isDone).length
  return (
    <section className="checklist" aria-label={t('Before you publish')}>
      <h2>{missing === 0 ? t('Ready to publish') : t('Before you publish')}</h2>
      <ul>
        {items.map(({ title, isDone }) => (
          <li key={title} className={isDone ? 'soft' : undefined}>
            {isDone ? (
              <Check size={16} aria-label={t('Done')} />
            ) : (
              <Circle size={16} aria-label={t('Missing')} />
            )}
            {title}
          </li>
        ))}
      </ul>
    </section>
  )
}
