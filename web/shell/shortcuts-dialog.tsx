import { Dialog } from '../ui/dialog.tsx'
import { modifierKey } from '../ui/modifier-key.ts'
import './shortcuts-dialog.css'

const shortcuts: [keys: string[], effect: string][] = [
  [[modifierKey, 'K'], 'Search, or go to a screen or an avee'],
  [[modifierKey, 'Shift', 'O'], 'New chat'],
  [[modifierKey, 'F'], 'Search in the conversation'],
  [['Enter'], 'Send the question'],
  [['Shift', 'Enter'], 'New line'],
  [['J'], 'Next source'],
  [['K'], 'Previous source'],
  [['Esc'], 'Close a panel or dialog'],
  [['?'], 'Keyboard shortcuts'],
]

/** The list of keyboard shortcuts. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onOpenChange={onClose} title="Keyboard shortcuts">
      <dl className="shortcuts">
        {shortcuts.map(([keys, effect]) => (
          <div key={effect}>
            <dt>{effect}</dt>
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
