import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { t } from '../languages/index.ts'
import type { HighlightedPassage } from './find-passage.ts'
import { PageNavigation } from './page-navigation.tsx'
import { PassageHighlight } from './passage-highlight.tsx'
import { QuotedPassage } from './quoted-passage.tsx'
import { scrollIntoPanels } from './scroll-into-panels.ts'
import { useRecognizedBoxes } from './use-recognized-boxes.ts'
import './paper.css'

/** An image with a passage of its recognized text highlighted, or quoted above if its words are not found. */
export function ImagePage({
  documentId,
  url,
  title,
  passage,
  onError,
  children,
}: {
  documentId: string
  url: string
  title: string
  passage: HighlightedPassage | undefined
  /** Called when the image cannot be loaded or displayed. */
  onError: () => void
  children: ReactNode
}) {
  const text = passage?.text ?? null
  const { boxes, isPending } = useRecognizedBoxes(documentId, passage?.page ?? 1, text, passage?.claim)
  const highlight = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    if (boxes && highlight.current) scrollIntoPanels(highlight.current)
  }, [boxes])
  return (
    <>
      {passage && !boxes && !isPending && (
        <QuotedPassage
          text={passage.text}
          reason={t('The page is an image, so the passage cannot be highlighted.')}
        />
      )}
      <PageNavigation pages={[]} currentPage={1} onPageChange={() => undefined}>
        {children}
      </PageNavigation>
      <div className="paper-frame">
        <div className="paper">
          <img className="paper-image" src={url} alt={title} onError={onError} />
          {boxes && (
            <PassageHighlight
              text={text ?? ''}
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
