import { t } from '../languages/index.ts'
import { Notice } from '../ui/state.tsx'
import './document-text.css'

/** The text of a passage that cannot be highlighted on its page, and the reason. */
export function QuotedPassage({ text, reason }: { text: string; reason: string }) {
  return (
    <>
      <Notice kind="warn">
        {reason} {t('The cited text:')}
      </Notice>
      <p className="document-text" dir="auto">
        <mark>{text}</mark>
      </p>
    </>
  )
}
