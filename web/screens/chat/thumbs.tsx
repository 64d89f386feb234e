import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ThumbsDown, ThumbsUp } from 'lucide-react'
import type { Message } from '../../../contract/chat.ts'
import type { Vote } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { IconButton } from '../../ui/button.tsx'
import { sentenceOf } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

type Votes = { feedback: { message_id: string; vote: Vote | null; note: string }[] }

/** Was the answer good? A second press takes the thumb away. */
export function Thumbs({ message }: { message: Message }) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const key = keys.votes(message.conversation_id)
  const votes = useQuery({
    queryKey: key,
    queryFn: () => api.insight.votes(message.conversation_id),
    staleTime: 60_000,
  })
  const change = useMutation({
    mutationFn: (vote: Vote | null) => api.insight.vote(message.id, vote),
    onSuccess: (_, vote) =>
      queries.setQueryData<Votes>(key, (before) => ({
        feedback: [
          ...(before?.feedback ?? []).filter(({ message_id }) => message_id !== message.id),
          { message_id: message.id, vote, note: '' },
        ],
      })),
    onError: (error) => tell(sentenceOf(error), 'bad'),
  })
  const stored = votes.data?.feedback.find(({ message_id }) => message_id === message.id)?.vote ?? null
  const now = change.isPending ? change.variables : stored
  const button = (vote: Vote, label: string, icon: typeof ThumbsUp) => (
    <IconButton
      label={label}
      icon={icon}
      small
      aria-pressed={now === vote}
      onClick={() => change.mutate(now === vote ? null : vote)}
    />
  )
  return (
    <>
      {button('up', 'Good answer', ThumbsUp)}
      {button('down', 'Bad answer', ThumbsDown)}
    </>
  )
}
