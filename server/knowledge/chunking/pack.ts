import type { Span } from '../../search/index.ts'
import type { Section } from './sections.ts'
import { splitUnits, type Unit } from './units.ts'
import { wordCount } from './word-count.ts'

/** A passage under construction: its span, its length in words and the headings that apply to all of it. */
export type Chunk = Span & { words: number; headings: string[]; first: Section; last: Section }

/** The share of the target from which on a passage ends with a paragraph. */
const minFillAtParagraphEnd = 0.6
/** The share of the target below which a section or remainder is merged with its neighbour. */
const minFill = 0.15
/** The share of the target that a passage may reach by such a merge. */
const maxFill = 1.3

/** Packs the units of a page's sections into chunks of at most `target` words, 1.3 times that with a merged remainder. */
export function packUnits(
  text: string,
  sections: Section[],
  options: { byLine: boolean; target: number },
): Chunk[] {
  const { byLine, target } = options
  const chunks: Chunk[] = []
  for (const section of sections) {
    for (const unit of splitUnits(text, section.start, section.end, { byLine, longest: target })) {
      const open = chunks.at(-1)
      if (open && fits(open, unit, section, target)) extend(open, unit, section)
      else chunks.push({ ...unit, headings: section.headings, first: section, last: section })
    }
    mergeRemainder(chunks, target, (chunk, previous) => chunk.first === section && previous.last === section)
  }
  mergeRemainder(chunks, target, isHeadingOnly)
  return chunks
}

function fits(open: Chunk, unit: Unit, section: Section, target: number): boolean {
  if (unit.words === 0) return true
  if (open.words + unit.words > target) return open.words === 0
  if (open.last !== section) return open.words < minFill * target
  return !(unit.startsParagraph && open.words >= minFillAtParagraphEnd * target)
}

/** Returns whether a chunk is only a heading at the bottom of a page, whose text follows on the next page. */
const isHeadingOnly = (chunk: Chunk) => chunk.words <= wordCount(chunk.first.headings.at(-1) ?? '') + 1

function extend(chunk: Chunk, next: Span & { words: number }, section: Section) {
  chunk.end = next.end
  chunk.words += next.words
  if (next.words > 0) chunk.headings = commonHeadings(chunk.headings, section.headings)
  chunk.last = section
}

function mergeRemainder(
  chunks: Chunk[],
  target: number,
  related: (chunk: Chunk, previous: Chunk) => boolean,
) {
  const [previous, chunk] = chunks.slice(-2)
  if (!previous || !chunk || chunk.words >= minFill * target || !related(chunk, previous)) return
  if (previous.words + chunk.words > maxFill * target) return
  extend(previous, chunk, chunk.last)
  previous.headings = commonHeadings(previous.headings, chunk.headings)
  chunks.pop()
}

function commonHeadings(outer: string[], inner: string[]): string[] {
  const divergence = outer.findIndex((heading, i) => heading !== inner[i])
  return divergence === -1 ? outer : outer.slice(0, divergence)
}
