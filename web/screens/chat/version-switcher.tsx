import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { Message } from '../../../contract/chat.ts'
import { IconButton } from '../../ui/button.tsx'
import { versionOf } from './turns.ts'

/** ‹ 2 / 3 ›: the other wordings of a question, the other answers to it. */
export function VersionSwitcher({
  message,
  isBusy,
  onShow,
}: {
  message: Message
  isBusy: boolean
  onShow: (messageId: string) => void
}) {
  const { place, of, before, after } = versionOf(message)
  if (of < 2) return null
  return (
    <span className="alternatives">
      <IconButton
        label="Earlier version"
        icon={ChevronLeft}
        small
        hint={false}
        disabled={!before || isBusy}
        onClick={() => before && onShow(before)}
      />
      <span>
        <span className="visually-hidden">Version </span>
        {place}/{of}
      </span>
      <IconButton
        label="Later version"
        icon={ChevronRight}
        small
        hint={false}
        disabled={!after || isBusy}
        onClick={() => after && onShow(after)}
      />
    </span>
  )
}
