import { useMutation, useQuery } from '@tanstack/react-query'
import { Trash2, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { t } from '../languages/index.ts'
import { Button, IconButton } from './button.tsx'
import { ConfirmDialog, Dialog } from './dialog.tsx'
import { formatTime } from './format.ts'
import { EmptyState, ErrorState, errorMessage, Skeleton } from './state.tsx'
import { useToast } from './toast.tsx'
import './trash-dialog.css'

export type TrashItem = { id: string; title: string; restorableUntil: string }

/** Lists the trash, to restore items or delete them permanently. */
export function TrashDialog({
  queryKey,
  load,
  restore,
  remove,
  onChange,
  onClose,
}: {
  queryKey: readonly unknown[]
  load: (signal: AbortSignal) => Promise<TrashItem[]>
  restore: (id: string) => Promise<unknown>
  remove: (id: string) => Promise<unknown>
  onChange: () => Promise<unknown>
  onClose: () => void
}) {
  const showToast = useToast()
  const [removing, setRemoving] = useState<TrashItem>()
  const list = useQuery({ queryKey, queryFn: ({ signal }) => load(signal) })
  const change = useMutation({
    mutationFn: ({ id, action }: { id: string; action: typeof restore }) => action(id),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: onChange,
  })
  const isBusy = (id: string, action: typeof restore): boolean =>
    change.isPending && change.variables.id === id && change.variables.action === action
  return (
    <Dialog open onOpenChange={onClose} title={t('Trash')} wide>
      {list.isError && !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <Skeleton height="4rem" />
      ) : list.data.length === 0 ? (
        <EmptyState icon={Trash2} title={t('The trash is empty')} />
      ) : (
        <ul className="rows">
          {list.data.map(({ id, title, restorableUntil }) => (
            <li key={id} className="row trash-row">
              <div className="row-body">
                <span className="truncate">{title}</span>
                <span className="row-facts">
                  {t('Deleted permanently on {time}', {
                    time: formatTime(restorableUntil),
                  })}
                </span>
              </div>
              <div className="row-actions">
                <Button
                  small
                  icon={Undo2}
                  busy={isBusy(id, restore)}
                  onClick={() => change.mutate({ id, action: restore })}
                >
                  {t('Restore')}
                </Button>
                <IconButton
                  label={t('Delete permanently: {title}', { title })}
                  icon={Trash2}
                  hint={false}
                  small
                  disabled={isBusy(id, remove)}
                  onClick={() => setRemoving({ id, title, restorableUntil })}
                />
              </div>
            </li>
          ))}
        </ul>
      )}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(isOpen) => !isOpen && setRemoving(undefined)}
        title={t('Delete permanently?')}
        action={t('Delete')}
        onConfirm={async () => {
          if (removing) await change.mutateAsync({ id: removing.id, action: remove })
        }}
      >
        {t('“{title}” cannot be restored afterwards.', { title: removing?.title })}
      </ConfirmDialog>
    </Dialog>
  )
}
