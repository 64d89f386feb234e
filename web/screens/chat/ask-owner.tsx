import { useMutation } from '@tanstack/react-query'
import { Send } from 'lucide-react'
import { useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { passOnQuestion } from '../../../contract/insight.ts'
import type { Message } from '../../../contract/messages.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextArea } from '../../ui/field.tsx'
import { errorMessage, Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import { useSharing } from './sharing-notice.tsx'

/** Sends an answer's question to the avee's owner, if the owner receives questions. */
export function AskOwner({ message, avee }: { message: Message; avee: Avee }) {
  const api = useApi()
  const showToast = useToast()
  const sharing = useSharing(avee)
  const [isOpen, setIsOpen] = useState(false)
  const [{ note }, change, clear] = useDraftState(`question to owner ${message.id}`, {
    note: '',
  })
  const send = useMutation({
    mutationFn: () => api.call(passOnQuestion, { params: { id: message.id }, body: { note: note.trim() } }),
    onSuccess: () => {
      clear()
      setIsOpen(false)
      showToast(t('Question sent. The reply will appear in this conversation.'))
    },
  })
  if (!sharing?.allow_pass_on) return null
  return (
    <>
      <IconButton
        label={t('Ask the owner of {name}', { name: avee.display_name })}
        icon={Send}
        small
        onClick={() => setIsOpen(true)}
      />
      <Dialog
        open={isOpen}
        onOpenChange={setIsOpen}
        title={t('Ask the owner of {name}', { name: avee.display_name })}
      >
        <p className="soft">
          {t(
            'The owner sees this question, your note and your name, but not the conversation. Their reply appears here.',
          )}
        </p>
        <TextArea
          label={t('Note (optional)')}
          value={note}
          maxLength={1_000}
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
          <Button variant="primary" busy={send.isPending} onClick={() => send.mutate()}>
            {t('Send')}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}
