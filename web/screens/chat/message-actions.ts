import { useEffect, useMemo, useRef } from 'react'
import type { Citation } from '../../../contract/messages.ts'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import type { useThread } from './use-thread.ts'

/** Actions on a conversation's messages. */
export type MessageActions = {
  edit: (messageId: string, question: string) => void
  regenerate: (messageId: string, model?: string) => void
  /** Continues an unfinished answer. */
  continueAnswer: (messageId: string) => void
  ask: (question: string) => void
  showBranch: (messageId: string) => void
  /** Opens source `n` of an answer; `answer` is the answer's text. */
  openCitation: (citations: Citation[], n: number, answer: string) => void
  /** Loads the conversation's messages again. */
  refresh: () => void
}

/** Returns the actions on a thread's messages. The object is stable, so that memoized messages do not render again. */
export function useMessageActions(
  thread: ReturnType<typeof useThread>,
  openCitation: MessageActions['openCitation'],
): MessageActions {
  const { send, showBranch, refresh } = thread
  const showToast = useToast()
  const callbacks = useRef({ send, showBranch, showToast, openCitation })
  useEffect(() => {
    callbacks.current = { send, showBranch, showToast, openCitation }
  })
  return useMemo<MessageActions>(
    () => ({
      edit: (messageId, question) => callbacks.current.send({ kind: 'edit', messageId, question }),
      regenerate: (messageId, model) =>
        callbacks.current.send({ kind: 'regenerate', messageId, ...(model ? { model } : {}) }),
      continueAnswer: (messageId) =>
        callbacks.current.send({ kind: 'regenerate', messageId, continues: true }),
      ask: (question) => callbacks.current.send({ kind: 'ask', question }),
      showBranch: (messageId) => {
        callbacks.current
          .showBranch(messageId)
          .catch((error: unknown) => callbacks.current.showToast(errorMessage(error), 'bad'))
      },
      openCitation: (...citation) => callbacks.current.openCitation(...citation),
      refresh,
    }),
    [refresh],
  )
}
