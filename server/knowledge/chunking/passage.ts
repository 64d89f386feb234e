/**
 * The unit of retrieval, display and citation. The passages of a page are contiguous, whitespace included, and `text` is
 * `page.text.slice(start, end)`.
 */
export type DocumentPassage = {
  /** 1-based number within the document. */
  n: number
  /** Null when the document has no pages. */
  page: number | null
  start: number
  end: number
  /** The headings above the passage, outermost first, joined by ' › '; for table rows the column names come last. */
  heading: string | null
  text: string
}

type PassageText = { title: string; heading: string | null; text: string }

/** Returns a passage with its title and headings, as a model reads it. */
export const passageWithContext = ({ title, heading, text }: PassageText) =>
  [title, heading, text].filter((part) => part !== null && part !== '').join('\n')
