/**
 * A passage: the unit of retrieval, display and citation. The passages of a page are contiguous: each extends
 * to the start of the next, whitespace included, and `text` equals `page.text.slice(start, end)`.
 */
export type DocumentPassage = {
  /** 1-based number within the document. */
  n: number
  /** Null when the document has no pages. */
  page: number | null
  start: number
  end: number
  /**
   * The headings above the passage, outermost first, joined by ' › '; table rows have their column names
   * last. The index and the prompt include it; `text` does not.
   */
  heading: string | null
  text: string
}

/** Returns a passage with its title and headings, as a model reads it. */
export const passageWithContext = ({
  title,
  heading,
  text,
}: {
  title: string
  heading: string | null
  text: string
}) => [title, heading, text].filter((part) => part !== null && part !== '').join('\n')
