import { ZoomIn, ZoomOut } from 'lucide-react'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { IconButton } from '../../ui/button.tsx'
import { Skeleton } from '../../ui/state.tsx'
import type { HighlightedPassage } from '../find-passage.ts'
import { PageNavigation } from '../page-navigation.tsx'
import { QuotedPassage } from '../quoted-passage.tsx'
import { scrollIntoPanels } from '../scroll-into-panels.ts'
import { findSupportingSentences } from '../supporting-sentences.ts'
import type { Box } from './line-boxes.ts'
import { createPdfRenderer, type PdfRenderer } from './pdf-renderer.ts'
import type { RenderedPage } from './worker-messages.ts'

/** Pages are drawn in widths that are multiples of this, so that dragging an edge does not draw them anew all the time. */
const widthStep = 128
const enlarged = 2

type Opened = { url: string; pages: number }
type Drawn = RenderedPage & { url: string; page: number; asked: string | null }

/** The pages of a PDF as they were printed, one at a time, a passage marked on its page and scrolled to. */
export function PdfViewer({
  url,
  title,
  passage,
  page,
  onTurn,
  onProblem,
  children,
}: {
  url: string
  title: string
  passage: HighlightedPassage | undefined
  /** The page turned to; undefined shows the passage's. */
  page: number | undefined
  onTurn: (page: number) => void
  /** The file cannot be had or drawn. */
  onProblem: (why: Error) => void
  children?: ReactNode
}) {
  const [drawer, setDrawer] = useState<PdfRenderer>()
  const [opened, setOpened] = useState<Opened>()
  const [drawn, setDrawn] = useState<Drawn>()
  const [zoom, setZoom] = useState(1)
  const paper = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const mark = useRef<HTMLElement>(null)
  const width = useDeviceWidth(paper)
  const problem = useRef(onProblem)
  problem.current = onProblem

  useEffect(() => {
    const made = createPdfRenderer()
    setDrawer(made)
    return () => made.close()
  }, [])

  useEffect(() => {
    if (!drawer) return undefined
    let isCurrent = true
    drawer.open(url).then(
      ({ pages }) => isCurrent && setOpened({ url, pages }),
      (error: Error) => isCurrent && problem.current(error),
    )
    return () => {
      isCurrent = false
    }
  }, [drawer, url])

  const shown = page ?? passage?.page ?? 1
  const asked = passage && shown === (passage.page ?? 1) ? passage.text : null
  const claim = passage?.claim
  const isOpen = opened?.url === url
  const pixels = Math.ceil((width * zoom) / widthStep) * widthStep
  useEffect(() => {
    if (!drawer || !isOpen || pixels === 0) return undefined
    let isCurrent = true
    drawer.page(shown, pixels, asked, tellingOf(asked, claim)).then(
      (answer) => (isCurrent ? setDrawn({ ...answer, url, page: shown, asked }) : answer.picture.close()),
      (error: Error) => isCurrent && problem.current(error),
    )
    return () => {
      isCurrent = false
    }
  }, [drawer, isOpen, url, shown, pixels, asked, claim])

  const isDrawn = drawn?.url === url && drawn.page === shown && drawn.asked === asked
  useLayoutEffect(() => {
    if (!drawn || !canvas.current) return
    canvas.current.width = drawn.picture.width
    canvas.current.height = drawn.picture.height
    canvas.current.getContext('2d')?.drawImage(drawn.picture, 0, 0)
    drawn.picture.close()
  }, [drawn])
  useLayoutEffect(() => {
    if (isDrawn && mark.current) scrollIntoPanels(mark.current)
  }, [isDrawn, url, shown, asked, zoom])

  const places = isDrawn && typeof drawn.passage !== 'string' ? drawn.passage : null
  return (
    <>
      {isDrawn && asked !== null && !places && (
        <QuotedPassage
          text={asked}
          why={
            drawn.passage === 'no letters'
              ? 'The page is a picture, on which it cannot be marked.'
              : 'It cannot be found on this page as it is now.'
          }
        />
      )}
      <PageNavigation
        pages={isOpen ? Array.from({ length: opened.pages }, (_, i) => i + 1) : []}
        shown={shown}
        onTurn={onTurn}
      >
        <span className="page-turner-actions">
          <IconButton
            label={zoom === 1 ? 'Enlarge' : 'Show the whole width'}
            icon={zoom === 1 ? ZoomIn : ZoomOut}
            small
            disabled={!isDrawn}
            onClick={() => setZoom(zoom === 1 ? enlarged : 1)}
          />
          {children}
        </span>
      </PageNavigation>
      <div ref={paper} className="paper-frame">
        {!isDrawn && (
          <div className="paper-loading" role="status" aria-label="Loading the page">
            <Skeleton height="100%" />
          </div>
        )}
        <div className="paper" hidden={!isDrawn} style={{ width: `${zoom * 100}%` }}>
          <canvas ref={canvas} role="img" aria-label={`Page ${shown} of ${title}`} />
          {places && (
            <mark>
              <span className="visually-hidden">{asked}</span>
              <Marker boxes={places.all} first={places.telling.length === 0 ? mark : undefined} />
              <Marker boxes={places.telling} first={mark} telling />
            </mark>
          )}
        </div>
      </div>
    </>
  )
}

/** Strokes of a marker; the first of them can be scrolled to. */
function Marker({
  boxes,
  first,
  telling,
}: {
  boxes: Box[]
  first: React.Ref<HTMLElement> | undefined
  telling?: boolean
}) {
  return boxes.map((box, i) => (
    <i
      key={i}
      ref={i === 0 ? first : undefined}
      className={telling ? 'telling' : undefined}
      style={{
        left: `${box.left * 100}%`,
        top: `${box.top * 100}%`,
        width: `${box.width * 100}%`,
        height: `${box.height * 100}%`,
      }}
    />
  ))
}

/** The sentences of a passage that say what is claimed. */
const tellingOf = (passage: string | null, claim: string | undefined): string[] =>
  passage === null || claim === undefined
    ? []
    : findSupportingSentences(passage, claim).map(({ start, end }) => passage.slice(start, end))

/** The width of an element in device pixels, 0 before it is known. */
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
