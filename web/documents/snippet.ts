/** A piece of text, and whether it is a word that was searched for. */
export type SnippetPart = { text: string; isMatch: boolean }

export const wordSegmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** Words of alphabets that are too short to tell anything: "the", "of". Words of other scripts are short by nature. */
export const isShortWord = (word: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]{1,3}$/u.test(word)

export const normalizeWord = (word: string): string =>
  word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** The search finds other endings of a word too: "opens" for "open". */
const longestEnding = 3

export function isSameStem(a: string, b: string): boolean {
  if (a === b) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length > 3 && long.length - short.length <= longestEnding && long.startsWith(short)
}

/**
 * The part of a text to show for a query, about `length` characters with the most of its words, in pieces: words of the
 * query stand alone. Small words count only when the query has no others. Cut ends are shown by "…".
 */
export function createSnippet(text: string, query: string, length = 320): SnippetPart[] {
  const asked = [...wordSegmenter.segment(query)]
    .filter((one) => one.isWordLike)
    .map((one) => normalizeWord(one.segment))
  const telling = asked.filter((word) => !isShortWord(word))
  const wanted = [...new Set(telling.length > 0 ? telling : asked)]

  const segments = [...wordSegmenter.segment(text)].map(({ segment, index, isWordLike }) => {
    const word = isWordLike ? normalizeWord(segment) : ''
    return { segment, index, hit: word ? wanted.findIndex((one) => isSameStem(one, word)) : -1 }
  })
  const { from, to } = bestWindow(segments, text.length, length)
  const pieces: SnippetPart[] = []
  const add = (piece: string, isMatch: boolean): void => {
    const last = pieces.at(-1)
    if (last && !last.isMatch && !isMatch) last.text += piece
    else pieces.push({ text: piece, isMatch })
  }
  if (from > 0) add('… ', false)
  for (const { segment, index, hit } of segments) {
    if (index >= from && index + segment.length <= to) add(segment, hit !== -1)
  }
  if (to < text.length) add(' …', false)
  return pieces
}

/** Where the most different words stand close together; some words before the first of them are kept. */
function bestWindow(
  segments: { index: number; hit: number }[],
  total: number,
  length: number,
): { from: number; to: number } {
  if (total <= length) return { from: 0, to: total }
  const hits = segments.filter((one) => one.hit !== -1)
  const lead = Math.floor(length / 5)
  let best = { start: 0, different: 0 }
  for (const { index } of hits) {
    const near = hits.filter((one) => one.index >= index && one.index < index + length - lead)
    const different = new Set(near.map((one) => one.hit)).size
    if (different > best.different) best = { start: index, different }
  }
  const from = Math.max(0, Math.min(best.start - lead, total - length))
  const edge = segments.find((one) => one.index >= from)?.index ?? from
  return { from: edge, to: Math.min(total, edge + length) }
}
