import { ZoomIn, ZoomOut } from 'lucide-react'
import { type ReactNode, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { Skeleton } from '../../ui/state.tsx'
import type { HighlightedPassage } from '../find-passage.ts'
import { PageNavigation } from '../page-navigation.tsx'
import { PassageHighlight } from '../passage-highlight.tsx'
import '../paper.css'
import { QuotedPassage } from '../quoted-passage.tsx'
import { scrollIntoPanels } from '../scroll-into-panels.ts'
import { supportingTexts } from '../supporting-sentences.ts'
import { useRecognizedBoxes } from '../use-recognized-boxes.ts'
import { createPdfRenderer, type PdfRenderer } from './pdf-renderer.ts'
import type { RenderedPage } from './worker-messages.ts'

/**
 * Pages are rendered at multiples of this number of device pixels, so that resizing a panel does not rerender them
 * constantly.
 */
const widthStep = 128
const enlargedZoom = 2
/** On a page narrower than this, in CSS pixels, ordinary text is too small to read. */
const minReadableWidth = 420

type OpenFile = { url: string; pages: number }
type Rendered = RenderedPage & { url: string; page: number; requestedPassage: string | null }

/** Renders a PDF page by page, with the passage highlighted and scrolled into view. */
export function PdfViewer({
  documentId,
  url,
  title,
  passage,
  page,
  onPageChange,
  onError,
  children,
}: {
  documentId: string
  url: string
  title: string
  passage: HighlightedPassage | undefined
  /** The selected page; undefined shows the page of the passage. */
  page: number | undefined
  onPageChange: (page: number) => void
  /** Called when the file cannot be loaded or rendered. */
  onError: (error: Error) => void
  children?: ReactNode
}) {
  const [renderer, setRenderer] = useState<PdfRenderer>()
  const [file, setFile] = useState<OpenFile>()
  const [rendered, setRendered] = useState<Rendered>()
  const [chosenZoom, setZoom] = useState<number>()
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const highlight = useRef<HTMLElement>(null)
  const width = useDeviceWidth(frame)
  const zoom = chosenZoom ?? (width / devicePixelRatio < minReadableWidth ? enlargedZoom : 1)
  const reportError = useEffectEvent(onError)

  useEffect(() => {
    const created = createPdfRenderer()
    setRenderer(created)
    return () => created.close()
  }, [])

  useEffect(() => {
    if (!renderer) return undefined
    let isCurrent = true
    renderer.open(url).then(
      ({ pages }) => isCurrent && setFile({ url, pages }),
      (error: Error) => isCurrent && reportError(error),
    )
    return () => {
      isCurrent = false
    }
  }, [renderer, url])

  const currentPage = page ?? passage?.page ?? 1
  const requestedPassage = passage && currentPage === (passage.page ?? 1) ? passage.text : null
  const claim = passage?.claim
  const isOpen = file?.url === url
  const widthInPixels = Math.ceil((width * zoom) / widthStep) * widthStep
  useEffect(() => {
    if (!renderer || !isOpen || widthInPixels === 0) return undefined
    let isCurrent = true
    renderer
      .render(currentPage, widthInPixels, requestedPassage, supportingTexts(requestedPassage, claim))
      .then(
        (result) =>
          isCurrent
            ? setRendered({ ...result, url, page: currentPage, requestedPassage })
            : result.bitmap.close(),
        (error: Error) => isCurrent && reportError(error),
      )
    return () => {
      isCurrent = false
    }
  }, [renderer, isOpen, url, currentPage, widthInPixels, requestedPassage, claim])

  const isRendered =
    rendered?.url === url && rendered.page === currentPage && rendered.requestedPassage === requestedPassage
  useLayoutEffect(() => {
    if (!rendered || !canvas.current) return
    canvas.current.width = rendered.bitmap.width
    canvas.current.height = rendered.bitmap.height
    canvas.current.getContext('2d')?.drawImage(rendered.bitmap, 0, 0)
    rendered.bitmap.close()
  }, [rendered])
  const located = isRendered && typeof rendered.passage !== 'string' ? rendered.passage : null
  const recognized = useRecognizedBoxes(
    documentId,
    currentPage,
    isRendered && !located ? requestedPassage : null,
    claim,
  )
  const boxes = located ?? recognized.boxes
  useLayoutEffect(() => {
    if (isRendered && highlight.current) scrollIntoPanels(highlight.current)
  }, [isRendered, boxes, url, currentPage, requestedPassage, zoom])

  return (
    <>
      {isRendered && requestedPassage !== null && !boxes && !recognized.isPending && (
        <QuotedPassage
          text={requestedPassage}
          reason={
            rendered.passage === 'no text'
              ? t('The page is an image, so the passage cannot be highlighted.')
              : t('The passage was not found on this page.')
          }
        />
      )}
      <PageNavigation
        pages={isOpen ? Array.from({ length: file.pages }, (_, i) => i + 1) : []}
        currentPage={currentPage}
        onPageChange={onPageChange}
      >
        <span className="page-navigation-group">
          <IconButton
            label={zoom === 1 ? t('Zoom in') : t('Fit width')}
            icon={zoom === 1 ? ZoomIn : ZoomOut}
            small
            disabled={!isRendered}
            onClick={() => setZoom(zoom === 1 ? enlargedZoom : 1)}
          />
          {children}
        </span>
      </PageNavigation>
      <div ref={frame} className="paper-frame">
        {!isRendered && (
          <div className="paper-placeholder" role="status" aria-label={t('Loading page')}>
            <Skeleton height="100%" />
          </div>
        )}
        <div className="paper" hidden={!isRendered} style={{ width: `${zoom * 100}%` }}>
          <canvas
            ref={canvas}
            role="img"
            aria-label={t('Page {page} of {title}', { page: currentPage, title })}
          />
          {boxes && (
            <PassageHighlight
              text={requestedPassage ?? ''}
              boxes={boxes}
              isUnsupported={passage?.isUnsupported}
              firstRef={highlight}
            />
          )}
        </div>
      </div>
    </>
  )
}

/** Returns the width of an element in device pixels; 0 before the first measurement. */
function useDeviceWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (!element.current) return undefined
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(entry.contentRect.width * devicePixelRatio)
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}
