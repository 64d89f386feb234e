import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { listAttachments } from '../../../contract/attachments.ts'
import type { Document } from '../../../contract/knowledge.ts'
import { keys } from '../../api/index.ts'
import { useApi, useIsVisitor } from '../../api/react.tsx'
import { documentOf } from '../../documents/upload-queue.ts'
import { useUploads } from '../../documents/upload-queue-context.tsx'
import { setUnsentConversation, unsentConversation } from '../../shell/unsent-conversation.ts'

/** The attachments of a conversation that no question has used yet, without those in the upload queue. */
export function useUnsentFiles(conversationId: string | undefined): {
  files: Document[]
  /** Hides some or all attachments until the next request. */
  drop: (conversationId: string, isDropped?: (file: Document) => boolean) => void
} {
  const api = useApi()
  const queries = useQueryClient()
  const isVisitor = useIsVisitor()
  const list = useQuery({
    queryKey: keys.unsentAttachments(conversationId ?? ''),
    queryFn:
      conversationId === undefined || isVisitor
        ? skipToken
        : () => api.call(listAttachments, { params: { id: conversationId }, query: { unsent: true } }),
  })
  const uploaded = new Set(useUploads().map(documentOf))
  return {
    files: (list.data?.attachments ?? []).filter(({ id }) => !uploaded.has(id)),
    drop(id, isDropped = () => true) {
      const queryKey = keys.unsentAttachments(id)
      queries.setQueryData<typeof list.data>(queryKey, (data) => ({
        attachments: (data?.attachments ?? []).filter((file) => !isDropped(file)),
      }))
      void queries.invalidateQueries({ queryKey })
    },
  }
}

/** Opens the conversation that contains the files of the next new chat; leaves it if it has been deleted. */
export function useUnsentConversation(
  handle: string,
  conversationId: string | undefined,
  isDeleted: boolean,
): void {
  const [, navigate] = useLocation()
  const unsentId = conversationId === undefined ? unsentConversation(handle) : undefined
  useEffect(() => {
    const asksAtOnce = (history.state as { ask?: unknown } | null)?.ask !== undefined
    if (unsentId !== undefined && !asksAtOnce) navigate(`/chat/${handle}/${unsentId}`, { replace: true })
  }, [unsentId, handle, navigate])
  useEffect(() => {
    if (!isDeleted || unsentConversation(handle) !== conversationId) return
    setUnsentConversation(handle, undefined)
    navigate(`/chat/${handle}`, { replace: true })
  }, [isDeleted, handle, conversationId, navigate])
}
