import { useEffect, useEffectEvent } from 'react'
import { useSearchParams } from 'wouter'
import { findMessages } from '../../../contract/conversations.ts'
import { useApi } from '../../api/react.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import type { Match } from './message-search.tsx'
import type { Thread } from './use-thread.ts'

/** Shows the message that the address names (`?message=id`), and selects its branch if another one is active. */
export function useLinkedMessage(thread: Thread, show: (match: Match) => void): void {
  const api = useApi()
  const showToast = useToast()
  const [params] = useSearchParams()
  const id = params.get('message')
  const { conversationId } = thread
  const find = async (signal: AbortSignal): Promise<Match | undefined> => {
    if (!conversationId || !id) return undefined
    const { matches } = await api.call(findMessages, {
      params: { id: conversationId },
      query: { message_id: id },
      signal,
    })
    return matches[0]
  }
  const onLink = useEffectEvent(async (signal: AbortSignal): Promise<void> => {
    try {
      let match = await find(signal)
      if (!match && id) {
        await thread.showBranch(id)
        match = await find(signal)
      }
      if (match) show(match)
    } catch (error) {
      if (!signal.aborted) showToast(errorMessage(error), 'bad')
    }
  })
  useEffect(() => {
    if (!conversationId || !id) return
    const leaving = new AbortController()
    void onLink(leaving.signal)
    return () => leaving.abort()
  }, [id, conversationId])
}
