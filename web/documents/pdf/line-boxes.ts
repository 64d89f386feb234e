import type { CharacterSpan } from './locate-passage.ts'

/** A rectangle of a page as shares of its width and height, from its upper left corner. */
export type Box = { left: number; top: number; width: number; height: number }

/** How much of the lower of two boxes must stand beside the other for both to be on one line. */
const sameLine = 0.5
/** A gap wider than this many heights of a line parts columns. */
const widestGap = 3

/** The lines that stretches of a page's characters make; `boxOf` knows no box of a blank. */
export function lineBoxes(
  spans: CharacterSpan[],
  boxOf: (character: number) => Box | undefined,
  aspect: number,
): Box[] {
  const lines: Box[] = []
  for (const { from, to } of spans) {
    let line: Box | undefined
    for (let i = from; i < to; i++) {
      const box = boxOf(i)
      if (!box || box.width <= 0 || box.height <= 0) continue
      line = line && isBeside(line, box, aspect) ? around(line, box) : undefined
      if (line) lines[lines.length - 1] = line
      else lines.push((line = box))
    }
  }
  return lines
}

/** `aspect` is the page's width over its height: it makes shares of the one into shares of the other. */
function isBeside(line: Box, box: Box, aspect: number): boolean {
  const shared = Math.min(line.top + line.height, box.top + box.height) - Math.max(line.top, box.top)
  const gap = Math.max(box.left - (line.left + line.width), line.left - (box.left + box.width))
  return (
    shared > sameLine * Math.min(line.height, box.height) &&
    gap * aspect < widestGap * Math.max(line.height, box.height)
  )
}

function around(one: Box, other: Box): Box {
  const left = Math.min(one.left, other.left)
  const top = Math.min(one.top, other.top)
  return {
    left,
    top,
    width: Math.max(one.left + one.width, other.left + other.width) - left,
    height: Math.max(one.top + one.height, other.top + other.height) - top,
  }
}
