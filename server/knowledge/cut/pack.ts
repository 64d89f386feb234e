import type { Span } from './paragraphs.ts'
import type { Section } from './sections.ts'
import { wordsIn } from './size.ts'
import { type Unit, unitsOf } from './units.ts'

/** A passage in the making: its span, its length in words and the headings that hold for all of it. */
export type Chunk = Span & { words: number; headings: string[]; first: Section; last: Section }

/** A passage this full ends where its paragraph ends. */
const fullEnough = 0.6
/** A section or a remainder this short joins its neighbour rather than stand alone. */
const tiny = 0.15
/** How far a passage may be overfilled by such a remainder. */
const overfull = 1.3

/** Packs the units of a page's sections into chunks of at most `target` words (1.3 times that with a remainder). */
export function pack(
  text: string,
  sections: Section[],
  options: { byLine: boolean; target: number },
): Chunk[] {
  const { byLine, target } = options
  const chunks: Chunk[] = []
  for (const section of sections) {
    for (const unit of unitsOf(text, section.start, section.end, { byLine, longest: target })) {
      const open = chunks.at(-1)
      if (open && hasRoom(open, unit, section, target)) extend(open, unit, section)
      else chunks.push({ ...unit, headings: section.headings, first: section, last: section })
    }
    joinRemainder(chunks, target, (chunk, previous) => chunk.first === section && previous.last === section)
  }
  joinRemainder(chunks, target, isHeadingAlone)
  return chunks
}

function hasRoom(open: Chunk, unit: Unit, section: Section, target: number): boolean {
  if (unit.words === 0) return true
  if (open.words + unit.words > target) return open.words === 0
  if (open.last !== section) return open.words < tiny * target
  return !(unit.opensParagraph && open.words >= fullEnough * target)
}

/** A heading at the foot of a page, whose text is overleaf. */
const isHeadingAlone = (chunk: Chunk) => chunk.words <= wordsIn(chunk.first.headings.at(-1) ?? '') + 1

function extend(chunk: Chunk, next: Span & { words: number }, section: Section) {
  chunk.end = next.end
  chunk.words += next.words
  if (next.words > 0) chunk.headings = shared(chunk.headings, section.headings)
  chunk.last = section
}

function joinRemainder(chunks: Chunk[], target: number, related: (chunk: Chunk, previous: Chunk) => boolean) {
  const [previous, chunk] = chunks.slice(-2)
  if (!previous || !chunk || chunk.words >= tiny * target || !related(chunk, previous)) return
  if (previous.words + chunk.words > overfull * target) return
  extend(previous, chunk, chunk.last)
  previous.headings = shared(previous.headings, chunk.headings)
  chunks.pop()
}

function shared(outer: string[], inner: string[]): string[] {
  const parting = outer.findIndex((heading, i) => heading !== inner[i])
  return parting === -1 ? outer : outer.slice(0, parting)
}
