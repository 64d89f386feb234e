import { Check, Copy } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { TextArea } from '../../ui/field.tsx'
import '../../ui/new-secret.css'

/** The websites that may show an avee, and the script tag for their pages. */
export function EmbedSettings({
  avee,
  value,
  onChange,
}: {
  avee: Avee
  /** One origin per line. */
  value: string
  onChange: (value: string) => void
}) {
  const [isCopied, copy] = useCopy()
  const tag = `<script async src="${location.origin}/embed.js" data-avee="${avee.handle}"></script>`
  return (
    <>
      <TextArea
        label={t('Websites that may show this avee')}
        hint={t(
          'One address per line, such as https://www.example.com. Visitors of these websites can chat with the avee.',
        )}
        rows={2}
        autoCapitalize="off"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {value.trim() !== '' && (
        <div className="new-secret" role="group" aria-label={t('Code for your website')}>
          <code>{tag}</code>
          <Button small icon={isCopied ? Check : Copy} onClick={() => copy(tag)}>
            {isCopied ? t('Copied') : t('Copy code')}
          </Button>
        </div>
      )}
    </>
  )
}
