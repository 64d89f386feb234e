import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Archive, ArchiveRestore, Download, Ellipsis, Pencil, Pin, PinOff, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Link, useLocation } from 'wouter'
import {
  type Conversation,
  deleteConversation,
  exportConversation,
  restoreConversation,
  updateConversation,
} from '../../contract/conversations.ts'
import { plainText } from '../../contract/snippet.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx'
import { RenameDialog } from '../ui/rename-dialog.tsx'
import { Avatar, errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'
import { hasUnseenReply } from './seen-replies.ts'
import './history-item.css'

/** A conversation in the sidebar, with its menu. */
export function HistoryItem({
  conversation,
  isCurrent,
  query,
}: {
  conversation: Conversation
  isCurrent: boolean
  /** Shows where the conversation matches. */
  query: string
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [, navigate] = useLocation()
  const [asking, setAsking] = useState<'rename' | 'delete'>()
  const title = conversation.title ?? t('New conversation')

  const change = useMutation({
    mutationFn: (changes: { pinned?: boolean; archived?: boolean }) =>
      api.call(updateConversation, { params: { id: conversation.id }, body: changes }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.conversations }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })

  const refreshLists = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: keys.conversationList('', false).slice(0, 2) }),
      queries.invalidateQueries({ queryKey: keys.conversationTrash }),
    ])
  const restore = useMutation({
    mutationFn: () => api.call(restoreConversation, { params: { id: conversation.id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.conversations }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })

  const remove = async (): Promise<void> => {
    const { receipt } = await api.call(deleteConversation, { params: { id: conversation.id } })
    if (isCurrent) navigate(`/chat/${conversation.avee_handle}`)
    await refreshLists()
    if (receipt.restorable_until !== null)
      showToast(t('Conversation deleted'), 'good', { label: t('Undo'), onSelect: () => restore.mutate() })
  }

  return (
    <div className="history-item" data-current={isCurrent}>
      <Link
        href={`/chat/${conversation.avee_handle}/${conversation.id}`}
        className="history-link"
        aria-current={isCurrent ? 'page' : undefined}
        title={conversation.avee_handle === 'local' ? title : `${conversation.avee_display_name}: ${title}`}
      >
        {conversation.avee_handle !== 'local' && (
          <Avatar name={conversation.avee_display_name} picture={conversation.avee_avatar} size={18} />
        )}
        <span className="history-title">
          <span className="truncate" dir="auto">
            {title}
          </span>
          {query && conversation.preview && (
            <small className="truncate" dir="auto">
              {markWords(plainText(conversation.preview), query)}
            </small>
          )}
        </span>
        {conversation.avee_handle !== 'local' && (
          <span className="visually-hidden">, {conversation.avee_display_name}</span>
        )}
        {!isCurrent && hasUnseenReply(conversation) && (
          <span className="unseen-dot">
            <span className="visually-hidden">{t('has a new reply')}</span>
          </span>
        )}
        {conversation.running_run_id && (
          <span className="writing-dot">
            <span className="visually-hidden">{t('is answering')}</span>
          </span>
        )}
      </Link>
      <Menu
        trigger={
          <IconButton
            label={t('Actions for {title}', { title })}
            icon={Ellipsis}
            small
            hint={false}
            className="history-more"
          />
        }
      >
        <MenuItem
          icon={conversation.pinned ? PinOff : Pin}
          onSelect={() => change.mutate({ pinned: !conversation.pinned })}
        >
          {conversation.pinned ? t('Unpin') : t('Pin')}
        </MenuItem>
        <MenuItem icon={Pencil} onSelect={() => setAsking('rename')}>
          {t('Rename')}
        </MenuItem>
        <MenuItem
          icon={Download}
          href={api.url(exportConversation, {
            params: { id: conversation.id },
            query: { format: 'markdown' },
          })}
        >
          {t('Save as Markdown')}
        </MenuItem>
        <MenuItem
          icon={conversation.archived ? ArchiveRestore : Archive}
          onSelect={() => change.mutate({ archived: !conversation.archived })}
        >
          {conversation.archived ? t('Unarchive') : t('Archive')}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={Trash2} danger onSelect={() => setAsking('delete')}>
          {t('Delete')}
        </MenuItem>
      </Menu>
      {asking === 'rename' && (
        <RenameDialog
          title={t('Rename conversation')}
          value={conversation.title ?? ''}
          maxLength={200}
          onRename={(newTitle) =>
            api
              .call(updateConversation, { params: { id: conversation.id }, body: { title: newTitle } })
              .then(() => queries.invalidateQueries({ queryKey: keys.conversations }))
          }
          onClose={() => setAsking(undefined)}
        />
      )}
      <ConfirmDialog
        open={asking === 'delete'}
        onOpenChange={(open) => setAsking(open ? 'delete' : undefined)}
        title={t('Delete this conversation?')}
        action={t('Delete')}
        onConfirm={remove}
      >
        {t('“{title}” and all its messages will be deleted.', { title })}
      </ConfirmDialog>
    </div>
  )
}

/** Marks the words of a query in a text. */
function markWords(text: string, query: string): ReactNode[] {
  const words = query.split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return text
    .split(new RegExp(`(${words.join('|')})`, 'iu'))
    .map((part, i) => (i % 2 === 1 ? <mark key={i}>{part}</mark> : part))
}
