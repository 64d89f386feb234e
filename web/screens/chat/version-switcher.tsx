import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { Message } from '../../../contract/messages.ts'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { versionOf } from './turns.ts'
import './pager.css'

/** ‹ 2/3 ›: switches between the versions of an edited question or a regenerated answer. */
export function VersionSwitcher({
  message,
  isBusy,
  onShow,
}: {
  message: Message
  isBusy: boolean
  onShow: (messageId: string) => void
}) {
  const { version, total, previousId, nextId } = versionOf(message)
  if (total < 2) return null
  return (
    <span className="pager">
      <IconButton
        label={t('Previous version')}
        icon={ChevronLeft}
        small
        hint={false}
        disabled={!previousId || isBusy}
        onClick={() => previousId && onShow(previousId)}
      />
      <span>
        <span className="visually-hidden">{t('Version')}</span>
        {version}/{total}
      </span>
      <IconButton
        label={t('Next version')}
        icon={ChevronRight}
        small
        hint={false}
        disabled={!nextId || isBusy}
        onClick={() => nextId && onShow(nextId)}
      />
    </span>
  )
}
