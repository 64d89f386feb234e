import {
  ChartNoAxesColumn,
  Download,
  Ellipsis,
  FileJson,
  Paperclip,
  Search,
  Share2,
  SquarePen,
} from 'lucide-react'
import { Suspense, useState } from 'react'
import { useLocation } from 'wouter'
import type { Avee } from '../../../contract/avees.ts'
import { exportConversation } from '../../../contract/conversations.ts'
import { useApi, useIsVisitor } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { TopBar } from '../../shell/page.tsx'
import { onDemand, ScreenBoundary } from '../../shell/screen-boundary.tsx'
import { IconButton } from '../../ui/button.tsx'
import { isEmbedded } from '../../ui/embedded.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { Skeleton } from '../../ui/state.tsx'
import { AveeAvatar } from './avee-avatar.tsx'

const FilesDialog = onDemand(async () => (await import('./files-dialog.tsx')).FilesDialog)
const ShareDialog = onDemand(async () => (await import('./share-dialog.tsx')).ShareDialog)

/** The title of a conversation, with its menu once it exists. */
export function ChatTopBar({
  avee,
  title,
  isLoading,
  conversationId,
  onSearch,
  onInsight,
}: {
  avee: Avee
  title: string | undefined
  isLoading: boolean
  conversationId: string | undefined
  onSearch: () => void
  onInsight: () => void
}) {
  const [, navigate] = useLocation()
  return (
    <TopBar title={<ChatTitle avee={avee} title={title} isLoading={isLoading} />}>
      <IconButton label={t('New chat')} icon={SquarePen} onClick={() => navigate(`/chat/${avee.handle}`)} />
      {conversationId && (
        <ChatMenu conversationId={conversationId} onSearch={onSearch} onInsight={onInsight} />
      )}
    </TopBar>
  )
}

function ChatTitle({
  avee,
  title,
  isLoading,
}: {
  avee: Avee
  title: string | undefined
  isLoading: boolean
}) {
  const name = avee.is_library ? t('Your library') : avee.display_name
  return (
    <>
      <AveeAvatar avee={avee} size={28} />
      <div className="chat-title">
        <h1 className="truncate" dir="auto">
          {isLoading ? <Skeleton width="12rem" /> : (title ?? name)}
        </h1>
        {(title || isLoading) && (
          <p className="truncate" dir="auto">
            {name}
          </p>
        )}
      </div>
    </>
  )
}

function ChatMenu({
  conversationId,
  onSearch,
  onInsight,
}: {
  conversationId: string
  onSearch: () => void
  onInsight: () => void
}) {
  const api = useApi()
  const isVisitor = useIsVisitor()
  const [dialog, setDialog] = useState<'files' | 'share'>()
  const close = () => setDialog(undefined)
  const exportUrl = (format: 'markdown' | 'json') =>
    api.url(exportConversation, { params: { id: conversationId }, query: { format } })
  return (
    <>
      <Menu trigger={<IconButton label={t('More')} icon={Ellipsis} hint={false} />}>
        <MenuItem icon={Search} onSelect={onSearch}>
          {t('Search in conversation')}
        </MenuItem>
        {!isVisitor && (
          <>
            <MenuItem icon={Paperclip} onSelect={() => setDialog('files')}>
              {t('Files of this conversation')}
            </MenuItem>
            <MenuItem icon={Share2} onSelect={() => setDialog('share')}>
              {t('Share')}
            </MenuItem>
            <MenuItem icon={ChartNoAxesColumn} onSelect={onInsight}>
              {t('Insight')}
            </MenuItem>
          </>
        )}
        {!isEmbedded() && (
          <>
            <MenuItem icon={Download} href={exportUrl('markdown')}>
              {t('Export as Markdown')}
            </MenuItem>
            <MenuItem icon={FileJson} href={exportUrl('json')}>
              {t('Export as JSON')}
            </MenuItem>
          </>
        )}
      </Menu>
      <ScreenBoundary>
        <Suspense>
          {dialog === 'files' && <FilesDialog conversationId={conversationId} onClose={close} />}
          {dialog === 'share' && <ShareDialog conversationId={conversationId} onClose={close} />}
        </Suspense>
      </ScreenBoundary>
    </>
  )
}
