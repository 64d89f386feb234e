import { useQueries } from '@tanstack/react-query'
import { useCallback } from 'react'
import { listMessages, type Message, type MessageList } from '../../../contract/chat.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { pageSize } from './use-thread.ts'

/** Pages that are out of sight are forgotten after this time, which bounds the memory of a long conversation. */
const unusedPageMs = 10_000

/**
 * Loads the pages of a branch above its last messages that contain the positions `first` to `last`. Returns a function
 * that returns the message at a position, or undefined while its page is not loaded.
 */
export function useBranchPages(
  conversationId: string | undefined,
  lastMessages: MessageList | undefined,
  { first, last }: { first: number; last: number },
): (position: number) => Message | undefined {
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
  return useCallback(
    (position) => {
      for (const list of [lastMessages, ...lists]) {
        const message = list?.messages[position - list.offset]
        if (message) return message
      }
      return undefined
    },
    [lastMessages, lists],
  )
}

const dataOf = (results: { data: MessageList | undefined }[]) => results.map(({ data }) => data)
