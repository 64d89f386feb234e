import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { deleteMemories, type MemorySettings, updateMemorySettings } from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Switches memory on or off for all avees and for each one. */
export function MemorySwitches({ settings }: { settings: MemorySettings }) {
  return (
    <Section
      title={t('Memory settings')}
      text={t('Each avee has its own memories. While memory is off, none are used and none are added.')}
    >
      <ul className="rows">
        <SwitchRow title={t('All avees')} enabled={settings.enabled} />
        {settings.avees.map((avee) => (
          <SwitchRow
            key={avee.avee_id}
            avee={avee.avee_id}
            title={aveeName(avee)}
            facts={t('{count, plural, one {# memory} other {# memories}}', { count: avee.memories })}
            enabled={avee.enabled && settings.enabled}
            isOverridden={!settings.enabled}
            // An avee that the user no longer has access to cannot be switched, but its memories can be deleted.
            isSwitchable={avee.handle !== null}
          />
        ))}
      </ul>
    </Section>
  )
}

export const aveeName = (avee: { handle: string | null; display_name: string | null }): string =>
  avee.handle === 'local' ? t('Your library') : (avee.display_name ?? t('Unavailable avee'))

function SwitchRow({
  avee,
  title,
  facts,
  enabled,
  isOverridden = false,
  isSwitchable = true,
}: {
  avee?: string
  title: string
  facts?: string
  enabled: boolean
  isOverridden?: boolean
  isSwitchable?: boolean
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [dialog, setDialog] = useState<'switch-off' | 'delete'>()
  const set = useMutation({
    mutationFn: (setting: { enabled: boolean; forget: boolean }) =>
      api.call(updateMemorySettings, { body: { ...setting, ...(avee === undefined ? {} : { avee }) } }),
    onSuccess: (settings) => {
      setDialog(undefined)
      queries.setQueryData(keys.memorySettings, settings)
      return queries.invalidateQueries({ queryKey: keys.memories })
    },
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{title}</span>
        </span>
        {facts && <span className="row-facts">{facts}</span>}
      </div>
      <div className="row-actions">
        {isSwitchable && (
          <label className="check">
            <input
              type="checkbox"
              role="switch"
              aria-label={t('Memory: {title}', { title })}
              checked={enabled}
              disabled={set.isPending || isOverridden}
              onChange={() =>
                enabled ? setDialog('switch-off') : set.mutate({ enabled: true, forget: false })
              }
            />
            <span aria-hidden>{enabled ? t('On') : t('Off')}</span>
          </label>
        )}
        {avee !== undefined && (
          <IconButton
            label={t('Delete all memories: {title}', { title })}
            icon={Trash2}
            hint={false}
            small
            onClick={() => setDialog('delete')}
          />
        )}
      </div>
      <Dialog
        open={dialog === 'switch-off'}
        onOpenChange={() => setDialog(undefined)}
        title={avee === undefined ? t('Turn off memory?') : t('Turn off memory for {title}?', { title })}
      >
        <p className="soft">
          {t('Existing memories are not used until you turn memory on again. You can also delete them now.')}
        </p>
        <DialogActions>
          <Button onClick={() => setDialog(undefined)}>{t('Cancel')}</Button>
          <Button
            variant="danger"
            busy={set.isPending}
            onClick={() => set.mutate({ enabled: false, forget: true })}
          >
            {t('Turn off and delete')}
          </Button>
          <Button
            variant="primary"
            busy={set.isPending}
            onClick={() => set.mutate({ enabled: false, forget: false })}
          >
            {t('Turn off')}
          </Button>
        </DialogActions>
      </Dialog>
      <ConfirmDialog
        open={dialog === 'delete'}
        onOpenChange={() => setDialog(undefined)}
        title={t('Delete all memories of {title}?', { title })}
        action={t('Delete')}
        onConfirm={async () => {
          if (avee !== undefined) await api.call(deleteMemories, { query: { avee } })
          await queries.invalidateQueries({ queryKey: keys.memories })
        }}
      >
        {t('Past memories are deleted as well. Your conversations are kept.')}
      </ConfirmDialog>
    </li>
  )
}
