import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ThumbsDown, ThumbsUp } from 'lucide-react'
import { useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { listFeedback, setFeedback, type Vote } from '../../../contract/insight.ts'
import type { Message } from '../../../contract/messages.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextArea } from '../../ui/field.tsx'
import { errorMessage, Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'

type Votes = { feedback: { message_id: string; vote: Vote | null; note: string }[] }

/**
 * Rates an answer good or bad; pressing the same button again removes the rating. Owners can add a reason, which
 * becomes a persona note.
 */
export function FeedbackButtons({ message, avee }: { message: Message; avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const key = keys.votes(message.conversation_id)
  const votes = useQuery({
    queryKey: key,
    queryFn: () => api.call(listFeedback, { params: { id: message.conversation_id } }),
    staleTime: 60_000,
  })
  const change = useMutation({
    mutationFn: (vote: Vote | null) => api.call(setFeedback, { params: { id: message.id }, body: { vote } }),
    onSuccess: (_, vote) =>
      queries.setQueryData<Votes>(key, (before) => ({
        feedback: [
          ...(before?.feedback ?? []).filter(({ message_id }) => message_id !== message.id),
          { message_id: message.id, vote, note: '' },
        ],
      })),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  const stored = votes.data?.feedback.find(({ message_id }) => message_id === message.id)?.vote ?? null
  const selected = change.isPending ? change.variables : stored
  const button = (vote: Vote, label: string, icon: typeof ThumbsUp) => (
    <IconButton
      label={label}
      icon={icon}
      small
      aria-pressed={selected === vote}
      onClick={() => change.mutate(selected === vote ? null : vote)}
    />
  )
  return (
    <>
      {button('up', t('Good answer'), ThumbsUp)}
      {button('down', t('Bad answer'), ThumbsDown)}
      {stored && avee.is_owner && !avee.is_library && (
        <FeedbackReason message={message} avee={avee} vote={stored} />
      )}
    </>
  )
}

function FeedbackReason({ message, avee, vote }: { message: Message; avee: Avee; vote: Vote }) {
  const api = useApi()
  const showToast = useToast()
  const [isOpen, setIsOpen] = useState(false)
  const [{ note }, change, clear] = useDraftState(`reason ${message.id}`, { note: '' })
  const send = useMutation({
    mutationFn: () =>
      api.call(setFeedback, { params: { id: message.id }, body: { vote, note: note.trim() } }),
    onSuccess: () => {
      setIsOpen(false)
      clear()
      showToast(
        t('Added to the persona notes of {name}. You can edit them in its settings.', {
          name: avee.display_name,
        }),
      )
    },
  })
  return (
    <>
      <Button small onClick={() => setIsOpen(true)}>
        {t('Add reason')}
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={setIsOpen}
        title={vote === 'up' ? t('What was good about it?') : t('What should be different?')}
      >
        <TextArea
          label={t('Reason')}
          hint={t('{name} applies it in all conversations.', { name: avee.display_name })}
          value={note}
          maxLength={300}
          rows={3}
          onChange={(event) => change({ note: event.target.value })}
        />
        {send.error && <Notice kind="bad">{errorMessage(send.error)}</Notice>}
        <DialogActions>
          <Button
            onClick={() => {
              clear()
              setIsOpen(false)
            }}
          >
            {t('Cancel')}
          </Button>
          <Button
            variant="primary"
            busy={send.isPending}
            disabled={note.trim() === ''}
            onClick={() => send.mutate()}
          >
            {t('Save')}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}
