import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, House, Pencil, Pin, PinOff, Trash2, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import {
  deleteMemory,
  type Memory,
  type MemoryType,
  restoreMemory,
  updateMemory,
} from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { formatFullTime, formatTime } from '../../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx'
import { Badge, errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { MemoryDialog } from './memory-dialog.tsx'
import './memory-row.css'

const typeLabels: Record<MemoryType, Message> = {
  fact: message('Fact'),
  preference: message('Preference'),
  relationship: message('Relationship'),
  event: message('Event'),
}

/** One memory with its dates, source and actions. A deleted one keeps its row so that it can be restored. */
export function MemoryRow({
  memory,
  avee,
  isDeleted,
  onDeletedChange,
}: {
  memory: Memory
  /** The avee that has the memory. The name is only shown when several avees are listed. */
  avee: { handle: string | null; name: string | undefined }
  isDeleted: boolean
  onDeletedChange: (isDeleted: boolean) => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [isEditing, setIsEditing] = useState(false)
  const refresh = () => queries.invalidateQueries({ queryKey: keys.memories })
  const fail = (error: Error) => showToast(errorMessage(error), 'bad')

  const change = useMutation({
    mutationFn: (changes: { pinned?: boolean; local_only?: boolean }) =>
      api.call(updateMemory, { params: { id: memory.id }, body: changes }),
    onError: fail,
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: () => api.call(deleteMemory, { params: { id: memory.id } }),
    onSuccess: async ({ restorable_until }) => {
      if (restorable_until === null) await refresh()
      else onDeletedChange(true)
      return queries.invalidateQueries({ queryKey: keys.memorySettings })
    },
    onError: fail,
  })
  const restore = useMutation({
    mutationFn: () => api.call(restoreMemory, { params: { id: memory.id } }),
    onSuccess: async () => {
      onDeletedChange(false)
      await refresh()
    },
    onError: fail,
  })

  if (isDeleted) {
    return (
      <li className="row">
        <div className="row-body soft" role="status">
          {t('Memory deleted.')}
        </div>
        <div className="row-actions">
          <Button small icon={Undo2} busy={restore.isPending} onClick={() => restore.mutate()}>
            {t('Undo')}
          </Button>
        </div>
      </li>
    )
  }
  const isPast = memory.valid_until !== null && new Date(memory.valid_until) <= new Date()
  return (
    <li className={classNames('row memory-row', isPast && 'memory-past')}>
      <div className="row-body">
        <span className="memory-content">
          <bdi>{memory.content}</bdi>
        </span>
        <span className="row-facts">
          <span>{t(typeLabels[memory.type])}</span>
          {avee.name && <span>{avee.name}</span>}
          <span title={formatFullTime(memory.last_confirmed_at)}>{formatDates(memory, isPast)}</span>
          {memory.conversation_id && avee.handle && (
            <Link href={`/chat/${avee.handle}/${memory.conversation_id}`}>{t('View conversation')}</Link>
          )}
          {memory.pinned && <Badge kind="accent">{t('Pinned')}</Badge>}
          {memory.local_only && <Badge>{t('Local models only')}</Badge>}
          {isPast && <Badge>{t('Past')}</Badge>}
        </span>
      </div>
      <div className="row-actions">
        <IconButton
          label={
            memory.pinned
              ? t('Unpin: {content}', { content: memory.content })
              : t('Pin: {content}', { content: memory.content })
          }
          icon={memory.pinned ? PinOff : Pin}
          hint={false}
          small
          disabled={change.isPending}
          onClick={() => change.mutate({ pinned: !memory.pinned })}
        />
        <Menu
          trigger={
            <IconButton
              label={t('Actions for: {content}', { content: memory.content })}
              icon={Ellipsis}
              hint={false}
              small
            />
          }
        >
          <MenuItem icon={Pencil} onSelect={() => setIsEditing(true)}>
            {t('Edit')}
          </MenuItem>
          <MenuItem
            icon={House}
            checked={memory.local_only}
            onSelect={() => change.mutate({ local_only: !memory.local_only })}
          >
            {t('Local models only')}
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon={Trash2} danger onSelect={() => remove.mutate()}>
            {t('Delete')}
          </MenuItem>
        </Menu>
      </div>
      {isEditing && <MemoryDialog memory={memory} onClose={() => setIsEditing(false)} />}
    </li>
  )
}

function formatDates(memory: Memory, isPast: boolean): string {
  const from = memory.valid_from && formatTime(memory.valid_from)
  if (isPast && memory.valid_until) {
    const until = formatTime(memory.valid_until)
    return from ? `${from} – ${until}` : t('Until {time}', { time: until })
  }
  if (memory.type === 'event' && from) return from
  const source = memory.edited
    ? t('Edited {time}', { time: formatTime(memory.updated_at) })
    : memory.confirmations > 1
      ? t('Mentioned {count, plural, one {# time} other {# times}}, last {time}', {
          count: memory.confirmations,
          time: formatTime(memory.last_confirmed_at),
        })
      : t('Mentioned {time}', { time: formatTime(memory.last_confirmed_at) })
  return from ? `${t('Since {time}', { time: from })} · ${source}` : source
}
