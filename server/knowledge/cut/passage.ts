/**
 * A passage: the span of a page that is found, shown and cited as one.
 * Passages of a page are contiguous: each runs to the start of the next, blanks included, and `text` is exactly
 * `page.text.slice(start, end)`.
 */
export type CutPassage = {
  /** 1, 2, 3 … through the whole document. */
  n: number
  /** Null when the document has no pages. */
  page: number | null
  start: number
  end: number
  /**
   * The headings above it, outermost first, joined by ' › '; for rows of a table the column names come last.
   * It belongs into the index and above the passage in the prompt; `text` does not repeat it.
   */
  heading: string | null
  text: string
}

/** A passage as a model reads it: with what it is about. */
export const inContext = ({
  title,
  heading,
  text,
}: {
  title: string
  heading: string | null
  text: string
}) => [title, heading, text].filter((part) => part !== null && part !== '').join('\n')
