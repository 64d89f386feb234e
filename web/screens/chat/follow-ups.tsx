import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Message } from '../../../contract/chat.ts'
import { getTurnAnalysis } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'

/** A title that a model gives comes a little after the answer. */
const titleComesMs = 6_000
const isNewMs = 60_000

/** What the documents can answer next, under the last answer. */
export function FollowUps({ message, onAsk }: { message: Message; onAsk: (question: string) => void }) {
  const suggested = useFollowUps(message)
  return <FollowUpChips questions={suggested} onAsk={onAsk} />
}

function useFollowUps(message: Message): string[] {
  const api = useApi()
  const queries = useQueryClient()
  const turn = useQuery({
    queryKey: keys.turn(message.id),
    queryFn: () => api.call(getTurnAnalysis, { params: { id: message.id } }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const { created_at: createdAt } = message
  useEffect(() => {
    if (Date.now() - Date.parse(createdAt) > isNewMs) return
    const timer = setTimeout(() => {
      void queries.invalidateQueries({ queryKey: keys.conversations })
    }, titleComesMs)
    return () => clearTimeout(timer)
  }, [queries, createdAt])
  return turn.data?.follow_up_suggestions ?? []
}

function FollowUpChips({ questions, onAsk }: { questions: string[]; onAsk: (question: string) => void }) {
  if (questions.length === 0) return null
  return (
    <section className="follow-ups" aria-label="Ask next">
      <ul>
        {questions.map((question) => (
          <li key={question}>
            <button type="button" className="follow-up" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
