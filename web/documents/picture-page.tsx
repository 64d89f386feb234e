import type { ReactNode } from 'react'
import { PageTurner } from './page-turner.tsx'
import type { ShownPassage } from './passage-range.ts'
import { QuotedPassage } from './quoted-passage.tsx'

/** A picture whose text was recognised: no passage can be marked on it, so that stands above. */
export function PicturePage({
  url,
  title,
  passage,
  onProblem,
  children,
}: {
  url: string
  title: string
  passage: ShownPassage | undefined
  /** The picture cannot be had or shown. */
  onProblem: () => void
  children: ReactNode
}) {
  return (
    <>
      {passage && (
        <QuotedPassage text={passage.text} why="The page is a picture, on which it cannot be marked." />
      )}
      <PageTurner pages={[]} shown={1} onTurn={() => undefined}>
        {children}
      </PageTurner>
      <div className="paper-frame">
        <img className="paper-picture" src={url} alt={title} onError={onProblem} />
      </div>
    </>
  )
}
