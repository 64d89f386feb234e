import { Tooltip as Parts } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import './tooltip.css'

/** A short text shown on hover and on keyboard focus. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactElement }) {
  return (
    <Parts.Root>
      <Parts.Trigger asChild>{children}</Parts.Trigger>
      <Parts.Portal>
        <Parts.Content className="tooltip" sideOffset={6} collisionPadding={8}>
          {text}
        </Parts.Content>
      </Parts.Portal>
    </Parts.Root>
  )
}

export const TooltipProvider = Parts.Provider
