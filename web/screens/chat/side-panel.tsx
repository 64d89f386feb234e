import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { IconButton } from '../../ui/button.tsx'
import { Sheet } from '../../ui/dialog.tsx'
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
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      {children}
    </aside>
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
      <IconButton label="Close" icon={X} hint={false} onClick={onClose} />
    </header>
  )
}
