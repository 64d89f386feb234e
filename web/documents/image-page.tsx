import type { ReactNode } from 'react'
import type { HighlightedPassage } from './find-passage.ts'
import { PageNavigation } from './page-navigation.tsx'
import { QuotedPassage } from './quoted-passage.tsx'
import './paper.css'

/** An image. A passage of its recognised text cannot be highlighted on it, so it is quoted above. */
export function ImagePage({
  url,
  title,
  passage,
  onError,
  children,
}: {
  url: string
  title: string
  passage: HighlightedPassage | undefined
  /** Called when the image cannot be loaded or displayed. */
  onError: () => void
  children: ReactNode
}) {
  return (
    <>
      {passage && (
        <QuotedPassage
          text={passage.text}
          reason="The page is an image, so the passage cannot be highlighted."
        />
      )}
      <PageNavigation pages={[]} currentPage={1} onPageChange={() => undefined}>
        {children}
      </PageNavigation>
      <div className="paper-frame">
        <img className="paper-image" src={url} alt={title} onError={onError} />
      </div>
    </>
  )
}
