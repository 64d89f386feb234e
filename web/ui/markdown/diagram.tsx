import { Code, Maximize2, Workflow } from 'lucide-react'
import { type CSSProperties, useEffect, useState } from 'react'
import { t } from '../../languages/index.ts'
import { useIsDark } from '../appearance.ts'
import { IconButton } from '../button.tsx'
import { Dialog } from '../dialog.tsx'
import { CodeBlock } from './code-block.tsx'
import type { DiagramResult, Drawing } from './draw-diagram.ts'

/** Caches diagrams of messages that are scrolled out of view. */
const kept = new Map<string, DiagramResult>()
const maxKept = 40

/**
 * A Mermaid diagram as an image, which can neither run nor load anything. Shows the source until it is drawn, or if
 * drawing fails.
 */
export function Diagram({ source }: { source: string }) {
  const result = useDiagram(source)
  const [showsSource, setShowsSource] = useState(false)
  const [isLarge, setIsLarge] = useState(false)
  if (typeof result !== 'object') {
    return <CodeBlock code={source} language="mermaid" isOpen={false} note={result && problems[result]()} />
  }
  const image = <DiagramImage drawing={result} source={source} />
  return (
    <CodeBlock
      code={source}
      language="mermaid"
      isOpen={false}
      actions={
        <>
          <IconButton
            label={showsSource ? t('Show diagram') : t('Show source')}
            icon={showsSource ? Workflow : Code}
            small
            hint={false}
            onClick={() => setShowsSource(!showsSource)}
          />
          <IconButton
            label={t('Enlarge diagram')}
            icon={Maximize2}
            small
            hint={false}
            onClick={() => setIsLarge(true)}
          />
          <Dialog open={isLarge} onOpenChange={setIsLarge} title={result.title || t('Diagram')} full>
            <div className="diagram-large" tabIndex={0} role="group" aria-label={t('Diagram')}>
              {image}
            </div>
          </Dialog>
        </>
      }
    >
      {showsSource ? undefined : image}
    </CodeBlock>
  )
}

const problems = {
  invalid: () => t('This diagram has a syntax error, so its source is shown.'),
  too_large: () => t('This diagram is too large to be drawn, so its source is shown.'),
}

function DiagramImage({
  drawing: { svg, width, height, title },
  source,
}: {
  drawing: Drawing
  source: string
}) {
  return (
    <img
      className="diagram"
      src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`}
      alt={title || `${t('Diagram')}: ${source}`}
      width={width}
      height={height}
      style={{ '--diagram-width': `${width}px` } as CSSProperties}
    />
  )
}

/** Returns undefined until the diagram is drawn. After a change of the theme, the last image remains until the next one. */
function useDiagram(source: string): DiagramResult | undefined {
  const isDark = useIsDark()
  const key = `${isDark} ${source}`
  const [drawn, setDrawn] = useState(() => ({ source, result: kept.get(key) }))
  useEffect(() => {
    let isCurrent = true
    const show = (result: DiagramResult | undefined): void => {
      if (isCurrent) setDrawn({ source, result })
    }
    if (kept.has(key)) show(kept.get(key))
    else
      void import('./draw-diagram.ts')
        .then(({ drawDiagram }) => drawDiagram({ source, isDark }))
        .then((result) => {
          if (result !== undefined) keep(key, result)
          show(result)
        })
        // Without a connection the source remains.
        .catch(() => undefined)
    return () => {
      isCurrent = false
    }
  }, [key, source, isDark])
  return drawn.source === source ? drawn.result : undefined
}

function keep(key: string, result: DiagramResult): void {
  kept.set(key, result)
  const [oldest] = kept.keys()
  if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
}
