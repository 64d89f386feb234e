import { useQuery } from '@tanstack/react-query'
import type { Avee } from '../../../contract/avees.ts'
import { listStarters } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { loadLocally } from '../../ui/local-storage.ts'
import { AveeAvatar } from './avee-avatar.tsx'
import './greeting.css'

/** Set once an avee has been asked in this browser; the explanation of avees is then hidden. */
export const knowsAvees = 'knows-avees'

/** The avee's portrait and greeting, and questions to begin with, shown before the first question. */
export function Greeting({ avee, onAsk }: { avee: Avee; onAsk: (question: string) => void }) {
  const api = useApi()
  const starters = useQuery({
    queryKey: keys.starters(avee.id),
    queryFn: () => api.call(listStarters, { params: { id: avee.id } }),
    staleTime: 60_000,
    retry: false,
  })
  const questions = starters.data?.questions ?? []
  return (
    <div className="greeting">
      <AveeAvatar avee={avee} size={96} />
      <h2 dir="auto">{avee.is_library ? t('Ask your library') : avee.display_name}</h2>
      {avee.bio && !avee.is_library && (
        <p className="soft" dir="auto">
          {avee.bio}
        </p>
      )}
      <p className={avee.greeting ? 'greeting-text' : 'soft'} dir="auto">
        {avee.greeting ||
          (avee.is_library
            ? t('Answers come from your documents and cite the pages they use. Drop a file here to add it.')
            : t('Start a conversation with {name}.', { name: avee.display_name }))}
      </p>
      {questions.length > 0 && (
        <ul className="starters" aria-label={t('Questions to start with')}>
          {questions.map((question) => (
            <li key={question}>
              <button type="button" className="starter" dir="auto" onClick={() => onAsk(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
      {!avee.is_library && loadLocally(knowsAvees) === undefined && (
        <p className="small faint">
          {t('{name} is an avee: an AI persona with its own character, documents and memory.', {
            name: avee.display_name,
          })}
        </p>
      )}
    </div>
  )
}
