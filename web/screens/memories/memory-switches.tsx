import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { deleteMemories, type MemorySettings, updateMemorySettings } from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { formatCount } from '../../ui/format.ts'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Whether one is remembered: altogether, and by each avee. */
export function MemorySwitches({ settings }: { settings: MemorySettings }) {
  return (
    <Section
      title="Who remembers you"
      text="Each avee remembers for itself. Switched off, nothing is used and nothing learned from that moment on."
    >
      <ul className="rows">
        <SwitchRow title="Remember me" facts="All avees" enabled={settings.enabled} />
        {settings.avees.map((avee) => (
          <SwitchRow
            key={avee.avee_id}
            avee={avee.avee_id}
            title={aveeName(avee)}
            facts={formatCount(avee.memories, 'memory', 'memories')}
            enabled={avee.enabled && settings.enabled}
            isOverruled={!settings.enabled}
            // What is not to be seen any more may still be forgotten, and cannot be switched.
            isSwitchable={avee.handle !== null}
          />
        ))}
      </ul>
    </Section>
  )
}

export const aveeName = (avee: { handle: string | null; display_name: string | null }): string =>
  avee.handle === 'local' ? 'Your library' : (avee.display_name ?? 'An avee that is no longer shown to you')

function SwitchRow({
  avee,
  title,
  facts,
  enabled,
  isOverruled = false,
  isSwitchable = true,
}: {
  avee?: string
  title: string
  facts: string
  enabled: boolean
  isOverruled?: boolean
  isSwitchable?: boolean
}) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [asking, setAsking] = useState<'off' | 'forget'>()
  const set = useMutation({
    mutationFn: (setting: { enabled: boolean; forget: boolean }) =>
      api.call(updateMemorySettings, { body: { ...setting, ...(avee === undefined ? {} : { avee }) } }),
    onSuccess: (settings) => {
      setAsking(undefined)
      queries.setQueryData(keys.memorySettings, settings)
      return queries.invalidateQueries({ queryKey: keys.memories })
    },
    onError: (error) => tell(errorMessage(error), 'bad'),
  })
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{title}</span>
        </span>
        <span className="row-facts">{facts}</span>
      </div>
      <div className="row-actions">
        {isSwitchable && (
          <label className="check">
            <input
              type="checkbox"
              role="switch"
              aria-label={`${title}: remembering`}
              checked={enabled}
              disabled={set.isPending || isOverruled}
              onChange={() => (enabled ? setAsking('off') : set.mutate({ enabled: true, forget: false }))}
            />
            <span aria-hidden>{enabled ? 'On' : 'Off'}</span>
          </label>
        )}
        {avee !== undefined && (
          <IconButton
            label={`Forget everything: ${title}`}
            icon={Trash2}
            hint={false}
            small
            onClick={() => setAsking('forget')}
          />
        )}
      </div>
      <Dialog
        open={asking === 'off'}
        onOpenChange={() => setAsking(undefined)}
        title={avee === undefined ? 'Switch remembering off?' : `Switch off for ${title}?`}
      >
        <p className="soft">What is remembered so far can stay, unused, until it is switched on again.</p>
        <DialogActions>
          <Button
            variant="danger"
            busy={set.isPending}
            onClick={() => set.mutate({ enabled: false, forget: true })}
          >
            Off, and forget
          </Button>
          <Button
            variant="primary"
            busy={set.isPending}
            onClick={() => set.mutate({ enabled: false, forget: false })}
          >
            Off, and keep
          </Button>
        </DialogActions>
      </Dialog>
      <ConfirmDialog
        open={asking === 'forget'}
        onOpenChange={() => setAsking(undefined)}
        title={`Forget everything: ${title}?`}
        action="Forget"
        onConfirm={async () => {
          if (avee !== undefined) await api.call(deleteMemories, { query: { avee } })
          await queries.invalidateQueries({ queryKey: keys.memories })
        }}
      >
        All that it remembers of you, past ones too. Your conversations stay.
      </ConfirmDialog>
    </li>
  )
}
