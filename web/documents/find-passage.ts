/** A passage to show in its place. */
export type HighlightedPassage = {
  page: number | null
  start: number
  end: number
  text: string
  /** What is to be found in it: of a longer passage the sentences that say it stand out. */
  claim?: string
}

/** Where a quoted passage stands within a page's text. */
export type TextRange = { start: number; end: number }

/**
 * The place of a passage on its page: at its stored place when the text there is still the same, else where its words
 * are found, else undefined: the document has changed since it was quoted.
 */
export function findPassage(
  page: string,
  passage: { start: number; end: number; text: string },
): TextRange | undefined {
  if (passage.text.trim() === '') return undefined
  if (page.slice(passage.start, passage.end) === passage.text)
    return { start: passage.start, end: passage.end }
  const at = page.indexOf(passage.text)
  if (at !== -1) return { start: at, end: at + passage.text.length }
  return findLoosely(page, passage.text)
}

/** The same words with other white space between them. */
function findLoosely(page: string, text: string): TextRange | undefined {
  const words = text.split(/\s+/).filter(Boolean)
  const pattern = words
    .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join(String.raw`\s+`)
  const match = new RegExp(pattern).exec(page)
  return match ? { start: match.index, end: match.index + match[0].length } : undefined
}
