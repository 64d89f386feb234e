import { type RefObject, useLayoutEffect } from 'react'

/** Highlights the text in the rendered messages without changing their elements. */
export function useMatchHighlights(
  scroller: RefObject<HTMLElement | null>,
  text: string | undefined,
  currentPosition: number | undefined,
): void {
  // The rendered messages change with every render.
  useLayoutEffect(() => {
    if (!scroller.current || !text || !('highlights' in CSS)) return
    const [matches, current] = [new Highlight(), new Highlight()]
    for (const row of scroller.current.querySelectorAll<HTMLElement>('[data-index]'))
      for (const range of matchesIn(row, text))
        (Number(row.dataset['index']) === currentPosition ? current : matches).add(range)
    CSS.highlights.set('match', matches)
    CSS.highlights.set('current-match', current)
    return () => {
      CSS.highlights.delete('match')
      CSS.highlights.delete('current-match')
    }
  })
}

/** Returns the first place of a text in a message. */
export const firstMatchIn = (row: HTMLElement, text: string): Range | undefined =>
  matchesIn(row, text).next().value ?? undefined

function* matchesIn(row: HTMLElement, text: string): Generator<Range, undefined> {
  const wanted = text.toLowerCase()
  for (const part of row.querySelectorAll('.question, .markdown')) {
    const nodes = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      const found = node.textContent?.toLowerCase() ?? ''
      // A few letters have a different length in lower case.
      if (found.length !== node.textContent?.length) continue
      for (let at = found.indexOf(wanted); at !== -1; at = found.indexOf(wanted, at + wanted.length)) {
        const range = new Range()
        range.setStart(node, at)
        range.setEnd(node, at + wanted.length)
        yield range
      }
    }
  }
}
