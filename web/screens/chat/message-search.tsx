import { skipToken, useQuery } from '@tanstack/react-query'
import { ChevronDown, ChevronUp, X } from 'lucide-react'
import {
  type KeyboardEvent,
  type RefObject,
  useDeferredValue,
  useEffect,
  useEffectEvent,
  useState,
} from 'react'
import { findMessages } from '../../../contract/conversations.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { SearchField } from '../../ui/field.tsx'
import './message-search.css'

/** A message that was found, and its position in its branch. */
export type Match = { message_id: string; position: number }

/** Finds messages of a conversation, also those that are not loaded. Enter shows the next one, Shift+Enter the previous. */
export function MessageSearch({
  conversationId,
  from,
  field,
  onShow,
  onClose,
}: {
  conversationId: string
  /** The search begins with the last match up to this position. */
  from: number
  field: RefObject<HTMLInputElement | null>
  onShow: (query: string, match: Match | undefined) => void
  onClose: () => void
}) {
  const api = useApi()
  const [text, setText] = useState('')
  const [index, setIndex] = useState(0)
  const query = useDeferredValue(text.trim())
  const found = useQuery({
    queryKey: keys.matches(conversationId, query),
    queryFn:
      query === ''
        ? skipToken
        : ({ signal }) =>
            api.call(findMessages, { params: { id: conversationId }, query: { query }, signal }),
  })
  const matches = found.data?.matches

  const goTo = (next: number): void => {
    setIndex(next)
    onShow(query, matches?.[next])
  }
  const onFound = useEffectEvent(() => {
    if (matches)
      goTo(
        Math.max(
          0,
          matches.findLastIndex(({ position }) => position <= from),
        ),
      )
    else onShow(query, undefined)
  })
  useEffect(() => onFound(), [matches])

  const step = (by: number): void => {
    if (matches && matches.length > 0) goTo((index + by + matches.length) % matches.length)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault()
      onClose()
    } else if (event.key === 'Enter') step(event.shiftKey ? -1 : 1)
    else if (event.key === 'ArrowDown') step(1)
    else if (event.key === 'ArrowUp') step(-1)
    else return
    event.preventDefault()
  }
  return (
    <search className="message-search" onKeyDown={onKeyDown}>
      <SearchField
        label={t('Search in conversation')}
        ref={field}
        autoFocus
        maxLength={400}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <span className="message-search-count" role="status">
        {matches &&
          (matches.length > 0
            ? t('{n} of {total}', { n: index + 1, total: matches.length })
            : t('No results'))}
      </span>
      <IconButton label={t('Previous match')} icon={ChevronUp} small hint={false} onClick={() => step(-1)} />
      <IconButton label={t('Next match')} icon={ChevronDown} small hint={false} onClick={() => step(1)} />
      <IconButton label={t('Close search')} icon={X} small hint={false} onClick={onClose} />
    </search>
  )
}
