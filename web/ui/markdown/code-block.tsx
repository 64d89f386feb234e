import { Check, Copy } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { t } from '../../languages/index.ts'
import { IconButton } from '../button.tsx'
import { useCopy } from '../copy.ts'

/**
 * Code with its language and a copy button. Highlighted when complete, because highlighting partial code flickers.
 * `children` are shown instead of the code, a `note` above it, `actions` before the copy button.
 */
export function CodeBlock({
  code,
  language,
  isOpen,
  actions,
  note,
  children,
}: {
  code: string
  language: string
  isOpen: boolean
  actions?: ReactNode
  note?: string | undefined
  children?: ReactNode
}) {
  const name = language.split(/\s/)[0]?.toLowerCase() ?? ''
  const [coloured, setColoured] = useState<{ code: string; html: string }>()
  const [isCopied, copy] = useCopy()

  useEffect(() => {
    if (isOpen || !name) return
    let isCurrent = true
    void import('./highlight.ts')
      .then(({ highlight }) => highlight(code, name))
      .then((html) => {
        if (isCurrent && html !== undefined) setColoured({ code, html })
      })
      // Without a connection the code is not highlighted.
      .catch(() => undefined)
    return () => {
      isCurrent = false
    }
  }, [code, name, isOpen])

  return (
    <figure className="code-block">
      <figcaption>
        <span className="code-language">{name || 'text'}</span>
        {actions}
        <IconButton
          label={isCopied ? t('Copied') : t('Copy code')}
          icon={isCopied ? Check : Copy}
          small
          hint={false}
          onClick={() => copy(code)}
        />
      </figcaption>
      {note && <p className="code-note">{note}</p>}
      {children ?? (
        // A scrollable part must be reachable by keyboard.
        <pre tabIndex={0}>
          {coloured?.code === code ? (
            // The highlighter escapes the code and adds only spans with class names.
            <code dangerouslySetInnerHTML={{ __html: coloured.html }} />
          ) : (
            <code>{code}</code>
          )}
        </pre>
      )}
    </figure>
  )
}
