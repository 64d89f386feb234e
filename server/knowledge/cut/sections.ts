import type { ReadHeading, ReadPage } from '../read/document.ts'
import { wholeCharacters } from './size.ts'

/** A stretch of a page under one set of headings, outermost first. The first heading's own line is its beginning. */
export type Section = { start: number; end: number; headings: string[] }

/** The headings that hold at a place. They outlive the page: a chapter goes on overleaf, a table does not. */
export function headingScope() {
  let open: ReadHeading[] = []
  return {
    sectionsOf(page: ReadPage): Section[] {
      const headings = page.headings.toSorted((a, b) => a.start - b.start)
      const bounds = new Set([0, page.text.length])
      for (const { start, end } of headings) {
        bounds.add(wholeCharacters(page.text, start))
        if (end !== undefined) bounds.add(wholeCharacters(page.text, end))
      }
      const sections: Section[] = []
      const offsets = [...bounds].filter((offset) => offset <= page.text.length).sort((a, b) => a - b)
      let next = 0
      for (const [i, start] of offsets.entries()) {
        open = open.filter((heading) => heading.end === undefined || heading.end > start)
        for (let heading = headings[next]; heading && heading.start <= start; heading = headings[++next]) {
          const { level } = heading
          open = [...open.filter((outer) => outer.level < level), heading]
        }
        const end = offsets[i + 1]
        if (end !== undefined) sections.push({ start, end, headings: open.map((heading) => heading.text) })
      }
      open = open.filter((heading) => heading.end === undefined)
      return sections
    },
  }
}
