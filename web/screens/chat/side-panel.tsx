import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { directionOf, t, useLanguage } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'
import { narrowScreen, useMediaQuery } from '../../ui/media.ts'
import './side-panel.css'

/** A panel beside the conversation, or a sheet over it on narrow screens. */
export function SidePanel({
  label,
  onClose,
  children,
}: {
  label: string
  onClose: () => void
  children: ReactNode
}) {
  const isNarrow = useMediaQuery(narrowScreen)
  const [width, setWidth] = useState(() => Number(loadLocally(widthKey)) || undefined)
  if (isNarrow) {
    return (
      <Sheet open onOpenChange={(isOpen) => !isOpen && onClose()} title={label}>
        {children}
      </Sheet>
    )
  }
  return (
    <aside
      className="side-panel"
      aria-label={label}
      style={width === undefined ? undefined : { width }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        onClose()
      }}
    >
      <ResizeHandle width={width} onResize={setWidth} />
      {children}
    </aside>
  )
}

const widthKey = 'side-panel-width'
const keyStepInPixels = 32
/** About the width in the style sheet on a laptop. */
const defaultWidthInPixels = 640

/** Changes the width of the panel that contains it, by dragging or with the arrow keys. */
function ResizeHandle({
  width: currentWidth,
  onResize,
}: {
  width: number | undefined
  onResize: (width: number) => void
}) {
  const handle = useRef<HTMLDivElement>(null)
  const isRightToLeft = directionOf(useLanguage()) === 'rtl'
  const resize = (change: (panel: DOMRect) => number): void => {
    const panel = handle.current?.parentElement
    if (!panel) return
    // The limits are in the style sheet.
    const width = Math.round(change(panel.getBoundingClientRect()))
    onResize(width)
    saveLocally(widthKey, String(width))
  }
  return (
    <div
      ref={handle}
      className="side-panel-handle"
      role="separator"
      aria-label={t('Resize panel')}
      aria-orientation="vertical"
      aria-valuenow={Math.round((100 * (currentWidth ?? defaultWidthInPixels)) / innerWidth)}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId))
          resize(({ left, right }) => (isRightToLeft ? event.clientX - left : right - event.clientX))
      }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
        const isWider = (event.key === 'ArrowRight') === isRightToLeft
        resize(({ width }) => (isWider ? width + keyStepInPixels : width - keyStepInPixels))
      }}
    />
  )
}

/** The panel's heading. It takes the focus when the panel opens and returns it when the panel closes. */
export function SidePanelHeader({
  title,
  subtitle,
  onClose,
}: {
  title: ReactNode
  subtitle?: ReactNode
  onClose: () => void
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const previous = document.activeElement
    heading.current?.focus()
    return () => {
      if (previous instanceof HTMLElement && previous.isConnected) previous.focus()
    }
  }, [])
  return (
    <header className="side-panel-header">
      <div className="side-panel-title">
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        {subtitle && <p className="side-panel-subtitle">{subtitle}</p>}
      </div>
      <IconButton label={t('Close')} icon={X} hint={false} onClick={onClose} />
    </header>
  )
}
