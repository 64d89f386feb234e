import { Library, MessageSquare } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { t } from '../../languages/index.ts'
import { Dialog } from '../../ui/dialog.tsx'
import './drop-dialog.css'

/** Asks whether to add files to the conversation or to the documents of the avee. */
export function DropDialog({
  avee,
  count,
  onAttach,
  onAddToAvee,
  onClose,
}: {
  avee: Avee
  count: number
  onAttach: () => void
  onAddToAvee: () => void
  onClose: () => void
}) {
  const choose = (action: () => void) => () => {
    onClose()
    action()
  }
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('Add {count, plural, one {# file} other {# files}} to', { count })}
    >
      <div className="drop-choices">
        <button type="button" className="drop-choice" onClick={choose(onAttach)}>
          <MessageSquare size={20} aria-hidden />
          <span>
            <strong>{t('This conversation')}</strong>
            <small>{t('Searched in this conversation only, and deleted with it.')}</small>
          </span>
        </button>
        <button type="button" className="drop-choice" onClick={choose(onAddToAvee)}>
          <Library size={20} aria-hidden />
          <span>
            <strong>{avee.is_library ? t('Your library') : avee.display_name}</strong>
            <small>{t('Searched in every conversation.')}</small>
          </span>
        </button>
      </div>
    </Dialog>
  )
}
