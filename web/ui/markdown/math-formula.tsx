import { useEffect, useState } from 'react'
import { t } from '../../languages/index.ts'

/** A formula. Its source is shown until the renderer has loaded, and if the TeX is invalid. */
export function MathFormula({ source, tex, isDisplay }: { source: string; tex: string; isDisplay: boolean }) {
  const [rendered, setRendered] = useState<{ tex: string; html: string }>()
  useEffect(() => {
    let isCurrent = true
    import('./render-math.ts').then(
      ({ renderMath }) => {
        const html = renderMath(tex, isDisplay)
        if (isCurrent && html !== undefined) setRendered({ tex, html })
      },
      // Without a connection the source remains.
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [tex, isDisplay])
  if (rendered?.tex !== tex) return <code className={isDisplay ? 'math-display' : undefined}>{source}</code>
  // KaTeX escapes the text and generates all markup; links and images are off.
  const html = { __html: rendered.html }
  return isDisplay ? (
    // Scrollable areas must be focusable.
    <span
      className="math-display"
      tabIndex={0}
      role="group"
      aria-label={t('Formula')}
      dangerouslySetInnerHTML={html}
    />
  ) : (
    <span dangerouslySetInnerHTML={html} />
  )
}
