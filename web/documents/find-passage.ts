/** A passage to highlight on its page. Offsets are UTF-16 code units into the page's text. */
export type HighlightedPassage = {
  page: number | null
  start: number
  end: number
  text: string
  /** The claim or query; the sentences of the passage that support it are emphasized. */
  claim?: string
  /** Whether no sentence of the passage supports the claim: the passage is then only marked at its edge. */
  isUnsupported?: boolean
}

/** UTF-16 offsets into a text; `end` is exclusive. */
export type TextRange = { start: number; end: number }

/**
 * Returns the range of a passage on its page: its stored range if the text there is unchanged, otherwise the first
 * occurrence of its text. Undefined if the document has changed since the passage was cited.
 */
export function findPassage(
  page: string,
  passage: { start: number; end: number; text: string },
): TextRange | undefined {
  if (passage.text.trim() === '') return undefined
  if (page.slice(passage.start, passage.end) === passage.text)
    return { start: passage.start, end: passage.end }
  const start = page.indexOf(passage.text)
  if (start !== -1) return { start, end: start + passage.text.length }
  return findIgnoringWhitespace(page, passage.text)
}

/** Finds the same words separated by any white space. */
function findIgnoringWhitespace(page: string, text: string): TextRange | undefined {
  const words = text.split(/\s+/).filter(Boolean)
  const pattern = words
    .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join(String.raw`\s+`)
  const match = new RegExp(pattern).exec(page)
  return match ? { start: match.index, end: match.index + match[0].length } : undefined
}
