import type { ReadDocument } from '../read/document.ts'
import { pack } from './pack.ts'
import type { CutPassage } from './passage.ts'
import { headingScope } from './sections.ts'
import { wholeCharacters } from './size.ts'

export type { CutPassage } from './passage.ts'

/** Most words of a passage (their average is 81); `bench/chunking.ts` compares others by what reaches the prompt at the same length. */
const usualTarget = 120
const longestHeading = 300

/** What people write in sentences. In everything else (tables, code, logs) a line is the smallest unit. */
const proseTypes = new Set([
  'pdf',
  'docx',
  'odt',
  'pptx',
  'epub',
  'html',
  'md',
  'txt',
  'eml',
  'rst',
  'adoc',
  'tex',
  'org',
])

const shortened = (text: string) => text.slice(0, wholeCharacters(text, longestHeading))

/**
 * Cuts a document into passages of at most about 120 words, or of `target`.
 *
 * A heading begins a passage; whole sentences (rows, lines of code) are packed until the next would not fit; a
 * paragraph's end is taken once 60 % are full; only a sentence longer than a passage is itself cut. Headings without
 * text and remainders of a few words join their neighbour. No passage reaches across a page.
 */
export function cut(document: ReadDocument, { target = usualTarget } = {}): CutPassage[] {
  const scope = headingScope()
  const byLine = !proseTypes.has(document.type)
  const passages: CutPassage[] = []
  for (const page of document.pages) {
    for (const { start, end, words, headings } of pack(page.text, scope.sectionsOf(page), {
      byLine,
      target,
    })) {
      if (words === 0) continue
      passages.push({
        n: passages.length + 1,
        page: document.paged ? page.page : null,
        start,
        end,
        heading: headings.length > 0 ? shortened(headings.join(' › ')) : null,
        text: page.text.slice(start, end),
      })
    }
  }
  return passages
}
