import type { ParsedHeading, ParsedPage } from '../parsers/document.ts'
import { alignToCodePoint } from './word-count.ts'

/** A span of a page under one set of headings, outermost first; it starts with the line of its first heading. */
export type Section = { start: number; end: number; headings: string[] }

/**
 * Splits pages into sections. Headings also apply to the next pages; the column names of tables do not start a section.
 */
export function sectionSplitter() {
  let open: ParsedHeading[] = []
  return {
    sectionsOf(page: ParsedPage): Section[] {
      const headings = page.headings
        .filter(({ end }) => end === undefined)
        .toSorted((a, b) => a.start - b.start)
      const bounds = new Set([0, page.text.length])
      for (const { start } of headings) bounds.add(alignToCodePoint(page.text, start))
      const sections: Section[] = []
      const offsets = [...bounds].filter((offset) => offset <= page.text.length).sort((a, b) => a - b)
      let next = 0
      for (const [i, start] of offsets.entries()) {
        for (let heading = headings[next]; heading && heading.start <= start; heading = headings[++next]) {
          const { level } = heading
          open = [...open.filter((outer) => outer.level < level), heading]
        }
        const end = offsets[i + 1]
        if (end !== undefined) sections.push({ start, end, headings: open.map((heading) => heading.text) })
      }
      return sections
    },
  }
}
