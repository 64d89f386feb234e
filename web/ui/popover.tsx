import { Popover as PopoverParts } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import './menu.css'

/** A small panel that a button opens. */
export function Popover({
  label,
  trigger,
  children,
}: {
  label: string
  trigger: ReactElement
  children: ReactNode
}) {
  return (
    <PopoverParts.Root>
      <PopoverParts.Trigger asChild>{trigger}</PopoverParts.Trigger>
      <PopoverParts.Portal>
        <PopoverParts.Content className="popover" aria-label={label} sideOffset={6} collisionPadding={12}>
          {children}
        </PopoverParts.Content>
      </PopoverParts.Portal>
    </PopoverParts.Root>
  )
}
