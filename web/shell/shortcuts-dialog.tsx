import { type Message, message, t } from '../languages/index.ts'
import { Dialog } from '../ui/dialog.tsx'
import { modifierKey } from '../ui/modifier-key.ts'
import './shortcuts-dialog.css'

const shortcuts: [keys: string[], effect: Message][] = [
  [[modifierKey, 'K'], message('Search, or go to a screen or an avee')],
  [[modifierKey, 'Shift', 'O'], message('New chat')],
  [[modifierKey, 'F'], message('Search in the conversation')],
  [['Enter'], message('Send the question')],
  [['Shift', 'Enter'], message('New line')],
  [['J'], message('Next source')],
  [['K'], message('Previous source')],
  [['Esc'], message('Close a panel or dialog')],
  [['?'], message('Keyboard shortcuts')],
]

/** The list of keyboard shortcuts. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onOpenChange={onClose} title={t('Keyboard shortcuts')}>
      <dl className="shortcuts">
        {shortcuts.map(([keys, effect]) => (
          <div key={t(effect)}>
            <dt>{t(effect)}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
