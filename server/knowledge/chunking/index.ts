import type { ParsedDocument, ParsedPage } from '../parsers/document.ts'
import { packUnits } from './pack.ts'
import type { DocumentPassage } from './passage.ts'
import { sectionSplitter } from './sections.ts'
import { alignToCodePoint } from './word-count.ts'

/** Maximum words per passage; the average is 81. `bench/chunking.ts` compares lengths by the evidence in a prompt. */
const defaultMaxWords = 120
const maxHeadingCharacters = 300

/** Types that contain prose. In all other types (tables, code, logs) a line is the smallest unit. */
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
  'mbox',
  'msg',
  'rtf',
  'doc',
  'ppt',
  'ipynb',
  'srt',
  'vtt',
  'rst',
  'adoc',
  'tex',
  'org',
])

/** Joins the headings of a passage, outermost first, and last the column names of a table that it continues. */
function headingOf(headings: string[], columnNames: string | undefined): string | null {
  const path = headings.join(' › ')
  const outer = path.slice(0, alignToCodePoint(path, maxHeadingCharacters))
  return [outer, columnNames].filter(Boolean).join(' › ') || null
}

/** Returns a function that returns the column names of the table at an offset; offsets must not decrease. */
function columnNamesAt({ headings }: ParsedPage) {
  const tables = headings.flatMap(({ start, end, text }) => (end === undefined ? [] : [{ start, end, text }]))
  let next = 0
  return (offset: number) => {
    while ((tables[next]?.end ?? offset + 1) <= offset) next += 1
    const table = tables[next]
    return table && table.start < offset ? table.text : undefined
  }
}

/**
 * Splits a document into passages of at most about `target` words. A passage never spans pages; a heading starts a new
 * one. It is filled with whole sentences (or rows, or lines of code) until the next does not fit, or until a paragraph
 * ends and it is 60 % full. Only longer sentences are split. Headings without text and short remainders are merged.
 */
export function chunkDocument(
  document: ParsedDocument,
  { target = defaultMaxWords } = {},
): DocumentPassage[] {
  const scope = sectionSplitter()
  const byLine = !proseTypes.has(document.type)
  const passages: DocumentPassage[] = []
  for (const page of document.pages) {
    const columnNames = columnNamesAt(page)
    for (const { start, end, words, headings } of packUnits(page.text, scope.sectionsOf(page), {
      byLine,
      target,
    })) {
      if (words === 0) continue
      passages.push({
        n: passages.length + 1,
        page: document.paged ? page.page : null,
        start,
        end,
        heading: headingOf(headings, columnNames(start)),
        text: page.text.slice(start, end),
      })
    }
  }
  return passages
}
