import { Check, Copy } from 'lucide-react'
import { t } from '../languages/index.ts'
import { Button } from './button.tsx'
import { useCopy } from './copy.ts'
import { DialogActions } from './dialog.tsx'
import './new-secret.css'

/** Shows a text that cannot be shown again, in a dialog. */
export function NewSecret({ hint, text, onClose }: { hint: string; text: string; onClose: () => void }) {
  const [isCopied, copy] = useCopy()
  return (
    <>
      <p>{hint}</p>
      <div className="new-secret">
        <code>{text}</code>
        <Button small icon={isCopied ? Check : Copy} onClick={() => copy(text)}>
          {isCopied ? t('Copied') : t('Copy')}
        </Button>
      </div>
      <DialogActions>
        <Button variant="primary" onClick={onClose}>
          {t('Done')}
        </Button>
      </DialogActions>
    </>
  )
}
