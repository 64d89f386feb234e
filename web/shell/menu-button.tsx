import { useQueries, useQuery } from '@tanstack/react-query'
import { Menu } from 'lucide-react'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import { useConversations } from './history.tsx'
import { hasUnseenReply } from './seen-replies.ts'
import { myAveesOf, waitingQuestionsOf } from './sidebar-avees.tsx'
import './menu-button.css'

/** Opens the sidebar on phones. A dot marks a new reply or a question that waits for the user. */
export function MenuButton({ onOpen }: { onOpen: () => void }) {
  const api = useApi()
  const list = useConversations('', false)
  const mine = useQuery(myAveesOf(api))
  const waiting = useQueries({
    queries: (mine.data?.avees ?? []).map((avee) => waitingQuestionsOf(api, avee)),
    combine: (results) => results.some(({ data }) => (data ?? 0) > 0),
  })
  const hasReply = list.data?.pages.some((page) => page.conversations.some(hasUnseenReply)) ?? false
  const news = [hasReply && t('new reply'), waiting && t('questions waiting')].filter(Boolean).join(', ')
  return (
    <span className="menu-button">
      <IconButton
        label={news ? t('Menu: {news}', { news }) : t('Menu')}
        icon={Menu}
        hint={false}
        onClick={onOpen}
      />
      {news && <span className="menu-button-dot" />}
    </span>
  )
}
