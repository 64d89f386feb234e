import { Check, Copy } from 'lucide-react'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { DialogActions } from '../../ui/dialog.tsx'
import './sign-in-security.css'

/** The content of a dialog that shows new recovery codes. */
export function RecoveryCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const [isCopied, copy] = useCopy()
  return (
    <>
      <p>
        {t(
          'Keep these codes in a safe place. Each replaces your second factor once if you lose it. You won’t be able to see them again.',
        )}
      </p>
      <ul className="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <DialogActions>
        <Button icon={isCopied ? Check : Copy} onClick={() => copy(codes.join('\n'))}>
          {isCopied ? t('Copied') : t('Copy')}
        </Button>
        <Button variant="primary" onClick={onClose}>
          {t('Done')}
        </Button>
      </DialogActions>
    </>
  )
}
