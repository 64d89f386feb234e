import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import { listMessages, type MessageList } from '../../../contract/conversations.ts'
import type { Message } from '../../../contract/messages.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { pageSize } from './use-thread.ts'

/** The time after which pages out of view are discarded, to limit the memory of a long conversation. */
const unusedPageMs = 10_000

/**
 * Loads the pages of a branch above its last messages that contain the positions `first` to `last`. Returns the loaded
 * messages by position.
 */
export function useBranchPages(
  conversationId: string | undefined,
  lastMessages: MessageList | undefined,
  { first, last }: { first: number; last: number },
): ReadonlyMap<number, Message> {
  const api = useApi()
  const end = Math.min(last, (lastMessages?.offset ?? 0) - 1)
  const pages: number[] = []
  for (let page = Math.floor(first / pageSize); page * pageSize <= end; page += 1) pages.push(page)
  const lists = useQueries({
    queries: pages.map((page) => ({
      queryKey: keys.messagePage(conversationId ?? '', page),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.call(listMessages, {
          params: { id: conversationId ?? '' },
          query: { offset: page * pageSize, limit: pageSize },
          signal,
        }),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: unusedPageMs,
    })),
    combine: dataOf,
  })
  return useMemo(() => {
    const messages = new Map<number, Message>()
    for (const list of [...lists, lastMessages])
      list?.messages.forEach((message, i) => messages.set(list.offset + i, message))
    return messages
  }, [lastMessages, lists])
}

const dataOf = (results: { data: MessageList | undefined }[]) => results.map(({ data }) => data)
