/** A part of a snippet; `isMatch` marks a word of the query. */
export type SnippetPart = { text: string; isMatch: boolean }

export const wordSegmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** Whether a word of an alphabetic script is too short to be significant, such as "the" or "of". */
export const isShortWord = (word: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]{1,3}$/u.test(word)

/** Removes diacritics and case. */
export const normalizeWord = (word: string): string =>
  word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Longest difference between two inflections of a word: "open" and "opens", "open" and "opening". */
const maxSuffixLength = 3

/** Approximates the stemmer of the search: whether two normalized words differ only in their ending. */
export function isSameStem(a: string, b: string): boolean {
  if (a === b) return true
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a]
  return shorter.length > 3 && longer.length - shorter.length <= maxSuffixLength && longer.startsWith(shorter)
}

/** Returns Markdown on one line without its markup, for excerpts. Text without Markdown stays as it is, except for line breaks. */
export const plainText = (markdown: string): string =>
  markdown
    .replaceAll(/^[\t ]{0,12}(?:(?:#{1,6}|[-*+>]|\d{1,3}[.)])[\t ]+|```.{0,40}$|\|[\s:|-]{0,200}$)/gmu, '')
    .replaceAll(/!?\[([^[\]\n]{0,200})\]\([^()\s]{0,500}\)/gu, '$1')
    .replaceAll(/(?<![\p{L}\p{N}*])\*([^\s*][^*\n]{0,200})\*(?!\*)/gu, '$1')
    .replaceAll(/\*\*|~~|`/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim()

/**
 * Returns the excerpt of a text, about `length` characters, that contains the most words of a query, split at the
 * matching words. Short words only match if the query has no others. "…" marks where the text is truncated.
 */
export function createSnippet(text: string, query: string, length = 320): SnippetPart[] {
  const queryWords = [...wordSegmenter.segment(query)]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => normalizeWord(segment))
  const significant = queryWords.filter((word) => !isShortWord(word))
  const terms = [...new Set(significant.length > 0 ? significant : queryWords)]

  const segments = [...wordSegmenter.segment(text)].map(({ segment, index, isWordLike }) => {
    const word = isWordLike ? normalizeWord(segment) : ''
    return { segment, index, term: word ? terms.findIndex((term) => isSameStem(term, word)) : -1 }
  })
  const { from, to } = findBestWindow(segments, text.length, length)
  const parts: SnippetPart[] = []
  const add = (part: string, isMatch: boolean): void => {
    const last = parts.at(-1)
    if (last && !last.isMatch && !isMatch) last.text += part
    else parts.push({ text: part, isMatch })
  }
  if (from > 0) add('… ', false)
  for (const { segment, index, term } of segments) {
    if (index >= from && index + segment.length <= to) add(segment, term !== -1)
  }
  if (to < text.length) add(' …', false)
  return parts
}

/** Returns the window with the most different terms, with some text before the first of them. `term` is -1 if none matches. */
function findBestWindow(
  segments: { index: number; term: number }[],
  textLength: number,
  length: number,
): { from: number; to: number } {
  if (textLength <= length) return { from: 0, to: textLength }
  const matches = segments.filter(({ term }) => term !== -1)
  const contextLength = Math.floor(length / 5)
  let best = { start: 0, termCount: 0 }
  for (const { index } of matches) {
    const nearby = matches.filter(
      (match) => match.index >= index && match.index < index + length - contextLength,
    )
    const termCount = new Set(nearby.map(({ term }) => term)).size
    if (termCount > best.termCount) best = { start: index, termCount }
  }
  const earliest = Math.max(0, Math.min(best.start - contextLength, textLength - length))
  const from = segments.find(({ index }) => index >= earliest)?.index ?? earliest
  return { from, to: Math.min(textLength, from + length) }
}
