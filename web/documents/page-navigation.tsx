import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'

/** Above a page: which it is, the ways to those before and after it, and what else can be done with it. */
export function PageNavigation({
  pages,
  shown,
  onTurn,
  children,
}: {
  /** The numbers of the pages there are. */
  pages: number[]
  shown: number
  onTurn: (page: number) => void
  children?: ReactNode
}) {
  const at = pages.indexOf(shown)
  const before = pages[at - 1]
  const after = pages[at + 1]
  if (pages.length < 2 && !children) return null
  return (
    <div className="page-turner">
      {pages.length > 1 && (
        <span className="page-turner-pages">
          <IconButton
            label="Previous page"
            icon={ChevronLeft}
            small
            hint={false}
            disabled={before === undefined}
            onClick={() => before !== undefined && onTurn(before)}
          />
          <span aria-live="polite">
            Page {shown} of {pages.at(-1)}
          </span>
          <IconButton
            label="Next page"
            icon={ChevronRight}
            small
            hint={false}
            disabled={at === -1 || after === undefined}
            onClick={() => after !== undefined && onTurn(after)}
          />
        </span>
      )}
      {children}
    </div>
  )
}
