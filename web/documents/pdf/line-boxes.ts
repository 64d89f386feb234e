import type { CharacterSpan } from './locate-passage.ts'

/** A rectangle on a page, in shares of the page's width and height from its upper left corner. */
export type Box = { left: number; top: number; width: number; height: number }

/** Two boxes are on one line if they overlap vertically by this share of the height of the lower one. */
const minLineOverlap = 0.5
/** A horizontal gap wider than this many line heights separates columns. */
const maxGapInLineHeights = 3

/**
 * Merges the character boxes of each span into one box per line. `boxOf` returns undefined for white space; `aspectRatio`
 * is the page's width divided by its height.
 */
export function lineBoxes(
  spans: CharacterSpan[],
  boxOf: (character: number) => Box | undefined,
  aspectRatio: number,
): Box[] {
  const lines: Box[] = []
  for (const { from, to } of spans) {
    let line: Box | undefined
    for (let i = from; i < to; i++) {
      const box = boxOf(i)
      if (!box || box.width <= 0 || box.height <= 0) continue
      line = line && isOnLine(line, box, aspectRatio) ? union(line, box) : undefined
      if (line) lines[lines.length - 1] = line
      else lines.push((line = box))
    }
  }
  return lines
}

function isOnLine(line: Box, box: Box, aspectRatio: number): boolean {
  const overlap = Math.min(line.top + line.height, box.top + box.height) - Math.max(line.top, box.top)
  const gap = Math.max(box.left - (line.left + line.width), line.left - (box.left + box.width))
  return (
    overlap > minLineOverlap * Math.min(line.height, box.height) &&
    gap * aspectRatio < maxGapInLineHeights * Math.max(line.height, box.height)
  )
}

function union(a: Box, b: Box): Box {
  const left = Math.min(a.left, b.left)
  const top = Math.min(a.top, b.top)
  return {
    left,
    top,
    width: Math.max(a.left + a.width, b.left + b.width) - left,
    height: Math.max(a.top + a.height, b.top + b.height) - top,
  }
}
