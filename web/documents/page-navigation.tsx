import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { t } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import './page-navigation.css'

/** The toolbar above a page: previous and next page, the page number and further actions. */
export function PageNavigation({
  pages,
  currentPage,
  onPageChange,
  children,
}: {
  /** The numbers of all pages, in order. */
  pages: number[]
  currentPage: number
  onPageChange: (page: number) => void
  children?: ReactNode
}) {
  const index = pages.indexOf(currentPage)
  const previous = pages[index - 1]
  const next = index === -1 ? undefined : pages[index + 1]
  if (pages.length < 2 && !children) return null
  return (
    <div className="page-navigation">
      {pages.length > 1 && (
        <span className="page-navigation-group">
          <IconButton
            label={t('Previous page')}
            icon={ChevronLeft}
            small
            hint={false}
            disabled={previous === undefined}
            onClick={() => previous !== undefined && onPageChange(previous)}
          />
          <span aria-live="polite">
            {t('Page {page} of {last}', { page: currentPage, last: pages.at(-1) })}
          </span>
          <IconButton
            label={t('Next page')}
            icon={ChevronRight}
            small
            hint={false}
            disabled={next === undefined}
            onClick={() => next !== undefined && onPageChange(next)}
          />
        </span>
      )}
      {children}
    </div>
  )
}
