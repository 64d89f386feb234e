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
import { Button, IconButton } from '../../ui/button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { formatFullTime, formatTime } from '../../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx'
import { Badge, errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { MemoryDialog } from './memory-dialog.tsx'

const typeNames: Record<MemoryType, string> = {
  fact: 'Fact',
  preference: 'Preference',
  relationship: 'Relationship',
  event: 'Event',
}

/** One memory: what, since when, from where; and what can be done with it. A forgotten one stays in place for as long as it can be brought back from here. */
export function MemoryRow({
  memory,
  avee,
  isForgotten,
  onForgotten,
}: {
  memory: Memory
  /** Whose memory it is; its name is shown where several are listed. */
  avee: { handle: string | null; name: string | undefined }
  isForgotten: boolean
  onForgotten: (isForgotten: boolean) => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [isEditing, setIsEditing] = useState(false)
  const refresh = () => queries.invalidateQueries({ queryKey: keys.memories })
  const fail = (error: Error) => tell(errorMessage(error), 'bad')

  const change = useMutation({
    mutationFn: (changes: { pinned?: boolean; local_only?: boolean }) =>
      api.call(updateMemory, { params: { id: memory.id }, body: changes }),
    onError: fail,
    onSettled: refresh,
  })
  const forget = useMutation({
    mutationFn: () => api.call(deleteMemory, { params: { id: memory.id } }),
    onSuccess: () => {
      onForgotten(true)
      return queries.invalidateQueries({ queryKey: keys.memorySettings })
    },
    onError: fail,
  })
  const restore = useMutation({
    mutationFn: () => api.call(restoreMemory, { params: { id: memory.id } }),
    onSuccess: async () => {
      onForgotten(false)
      await refresh()
    },
    onError: fail,
  })

  if (isForgotten) {
    return (
      <li className="row">
        <div className="row-body soft" role="status">
          Forgotten.
        </div>
        <div className="row-actions">
          <Button small icon={Undo2} busy={restore.isPending} onClick={() => restore.mutate()}>
            Undo
          </Button>
        </div>
      </li>
    )
  }
  const isPast = memory.valid_until !== null && new Date(memory.valid_until) <= new Date()
  return (
    <li className={classNames('row memory-row', isPast && 'memory-past')}>
      <div className="row-body">
        <span className="memory-content">{memory.content}</span>
        <span className="row-facts">
          <span>{typeNames[memory.type]}</span>
          {avee.name && <span>{avee.name}</span>}
          <span title={formatFullTime(memory.last_confirmed_at)}>{timesOf(memory, isPast)}</span>
          {memory.conversation_id && avee.handle && (
            <Link href={`/chat/${avee.handle}/${memory.conversation_id}`}>where you said it</Link>
          )}
          {memory.pinned && <Badge kind="accent">Pinned</Badge>}
          {memory.local_only && <Badge>Local models only</Badge>}
          {isPast && <Badge>Past</Badge>}
        </span>
      </div>
      <div className="row-actions">
        <IconButton
          label={memory.pinned ? `Unpin: ${memory.content}` : `Pin: ${memory.content}`}
          icon={memory.pinned ? PinOff : Pin}
          hint={false}
          small
          disabled={change.isPending}
          onClick={() => change.mutate({ pinned: !memory.pinned })}
        />
        <Menu
          trigger={<IconButton label={`Actions for: ${memory.content}`} icon={Ellipsis} hint={false} small />}
        >
          <MenuItem icon={Pencil} onSelect={() => setIsEditing(true)}>
            Edit
          </MenuItem>
          <MenuItem
            icon={House}
            checked={memory.local_only}
            onSelect={() => change.mutate({ local_only: !memory.local_only })}
          >
            Local models only
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon={Trash2} danger onSelect={() => forget.mutate()}>
            Forget
          </MenuItem>
        </Menu>
      </div>
      {isEditing && <MemoryDialog memory={memory} onClose={() => setIsEditing(false)} />}
    </li>
  )
}

function timesOf(memory: Memory, isPast: boolean): string {
  const from = memory.valid_from && formatTime(memory.valid_from)
  if (isPast && memory.valid_until) return `${from ? `${from} ` : ''}until ${formatTime(memory.valid_until)}`
  if (memory.type === 'event' && from) return from
  const said = memory.edited
    ? `written ${formatTime(memory.updated_at)}`
    : memory.confirmations > 1
      ? `said ${memory.confirmations} times, last ${formatTime(memory.last_confirmed_at)}`
      : `said ${formatTime(memory.last_confirmed_at)}`
  return from ? `since ${from}, ${said}` : said
}
