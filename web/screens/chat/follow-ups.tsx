import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { getTurnAnalysis } from '../../../contract/insight.ts'
import type { Message } from '../../../contract/messages.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import './follow-ups.css'

/** The server generates a conversation's title shortly after an answer. */
const titleDelayMs = 6_000
const recentMs = 60_000

/** Suggests questions under the last answer that the documents can answer. */
export function FollowUps({ message, onAsk }: { message: Message; onAsk: (question: string) => void }) {
  const api = useApi()
  const turn = useQuery({
    queryKey: keys.turn(message.id),
    queryFn: () => api.call(getTurnAnalysis, { params: { id: message.id } }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  useRefreshTitle(message.created_at)
  const questions = turn.data?.follow_up_suggestions ?? []
  if (questions.length === 0) return null
  return (
    <section className="follow-ups" aria-label={t('Follow-up questions')}>
      <ul>
        {questions.map((question) => (
          <li key={question}>
            <button type="button" className="follow-up" dir="auto" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Reloads the conversations once the title of a new one should be available. */
function useRefreshTitle(answeredAt: string): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (Date.now() - Date.parse(answeredAt) > recentMs) return
    const timer = setTimeout(() => {
      void queries.invalidateQueries({ queryKey: keys.conversations })
    }, titleDelayMs)
    return () => clearTimeout(timer)
  }, [queries, answeredAt])
}
