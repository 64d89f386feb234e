import type { ReactNode } from 'react'
import type { HighlightedPassage } from './find-passage.ts'
import { PageNavigation } from './page-navigation.tsx'
import { QuotedPassage } from './quoted-passage.tsx'

/** A picture whose text was recognised: no passage can be marked on it, so that stands above. */
export function ImagePage({
  url,
  title,
  passage,
  onProblem,
  children,
}: {
  url: string
  title: string
  passage: HighlightedPassage | undefined
  /** The picture cannot be had or shown. */
  onProblem: () => void
  children: ReactNode
}) {
  return (
    <>
      {passage && (
        <QuotedPassage text={passage.text} why="The page is a picture, on which it cannot be marked." />
      )}
      <PageNavigation pages={[]} shown={1} onTurn={() => undefined}>
        {children}
      </PageNavigation>
      <div className="paper-frame">
        <img className="paper-picture" src={url} alt={title} onError={onProblem} />
      </div>
    </>
  )
}
