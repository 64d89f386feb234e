import { useQuery } from '@tanstack/react-query'
import { Fragment, type ReactNode, useLayoutEffect, useRef } from 'react'
import { getDocumentText } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { ErrorState } from '../ui/state.tsx'
import { findPassage, type HighlightedPassage } from './find-passage.ts'
import { PageNavigation } from './page-navigation.tsx'
import { QuotedPassage } from './quoted-passage.tsx'
import { scrollIntoPanels } from './scroll-into-panels.ts'
import { findSupportingSentences } from './supporting-sentences.ts'
import { TextSkeleton } from './text-skeleton.tsx'
import './document-text.css'

/**
 * The extracted text of a document, page by page, with a passage highlighted and scrolled into view. Quotes the passage
 * if the document has changed.
 */
export function PageText({
  documentId,
  isMarkdown,
  passage,
  page,
  onPageChange,
  children,
}: {
  documentId: string
  /** Renders headings and hides the Markdown syntax. */
  isMarkdown: boolean
  passage: HighlightedPassage | undefined
  /** The selected page; undefined shows the page of the passage. */
  page: number | undefined
  onPageChange: (page: number) => void
  children?: ReactNode
}) {
  const api = useApi()
  const text = useQuery({
    queryKey: keys.documentText(documentId),
    queryFn: () => api.call(getDocumentText, { params: { id: documentId } }),
    staleTime: 60_000,
  })
  const highlight = useRef<HTMLElement>(null)

  const pages = text.data?.pages ?? []
  const currentPage = page ?? passage?.page ?? pages[0]?.page ?? 1
  const content = pages.find((candidate) => candidate.page === currentPage)
  const isPassagePage = passage !== undefined && currentPage === (passage.page ?? pages[0]?.page)
  const range = isPassagePage && content ? findPassage(content.text, passage) : undefined

  useLayoutEffect(() => {
    if (highlight.current) scrollIntoPanels(highlight.current.querySelector('strong') ?? highlight.current)
  }, [range?.start, range?.end, documentId])

  if (text.isPending) return <TextSkeleton />
  if (text.isError) return <ErrorState error={text.error} onRetry={() => void text.refetch()} />
  const show = isMarkdown ? withoutMarkup : (plain: string) => plain
  return (
    <>
      {isPassagePage && !range && (
        <QuotedPassage text={passage.text} reason={t('The document has changed since it was cited.')} />
      )}
      <PageNavigation
        pages={pages.map((candidate) => candidate.page)}
        currentPage={currentPage}
        onPageChange={onPageChange}
      >
        {children}
      </PageNavigation>
      <div className="document-text" dir="auto">
        {!content || content.text.trim() === '' ? (
          <span className="soft">{t('No text on this page')}</span>
        ) : range ? (
          <>
            {show(content.text.slice(0, range.start))}
            <mark ref={highlight} className={passage?.isUnsupported ? 'unsupported' : undefined}>
              {emphasizeSupport(content.text.slice(range.start, range.end), passage?.claim, show)}
            </mark>
            {show(content.text.slice(range.end))}
          </>
        ) : (
          show(content.text)
        )}
      </div>
    </>
  )
}

/** Emphasizes the sentences of a passage that support the claim. */
function emphasizeSupport(
  text: string,
  claim: string | undefined,
  show: (part: string) => ReactNode,
): ReactNode[] {
  const parts: ReactNode[] = []
  let position = 0
  const add = (node: ReactNode) => parts.push(<Fragment key={parts.length}>{node}</Fragment>)
  for (const { start, end } of claim ? findSupportingSentences(text, claim) : []) {
    add(show(text.slice(position, start)))
    add(<strong>{show(text.slice(start, end))}</strong>)
    position = end
  }
  add(show(text.slice(position)))
  return parts
}

/** Renders headings, and omits the Markdown syntax of bold text and code. */
const withoutMarkup = (markdown: string): ReactNode =>
  markdown
    .split(/^#{1,6} (.*)$/m)
    .map((part, i) => [part.replaceAll(/\*\*|`/g, ''), i % 2 === 1] as const)
    .map(([text, isHeading], i) => (isHeading ? <b key={i}>{text}</b> : text))
