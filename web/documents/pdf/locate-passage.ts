/** A range of a page's characters by their indexes; `to` is exclusive. */
export type CharacterSpan = { from: number; to: number }

/** Shorter parts occur too often to be located reliably. */
const minLetters = 4
const unspacedScript =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]{2,}$/u
/** Maximum distance, in letters, between a part that occurs several times and its located neighbour. */
const maxDistance = 400
/** Minimum share of a passage's letters that must be found on the page. */
const minFoundShare = 0.6

/**
 * Locates a passage on a page of a PDF. A PDF stores characters in drawing order, which may interleave columns, table
 * cells and hyphenated words, while the passage is in reading order. Therefore only letters and digits are compared, and
 * a passage that does not occur as a whole is located in parts. Returns undefined if most of it is missing.
 */
export function locatePassage(page: string[], passage: string): CharacterSpan[] | undefined {
  const { letters: pageLetters, characterIndexes } = indexLetters(page)
  const parts = splitIntoParts(passage, pageLetters)
  locateParts(parts, pageLetters)
  const located = parts.flatMap(({ letters, at }) =>
    at === undefined ? [] : [{ at, length: letters.length }],
  )
  const foundLength = located.reduce((sum, { length }) => sum + length, 0)
  if (foundLength === 0 || foundLength < minFoundShare * normalizeLetters(passage).length) return undefined
  const spans = located.map(({ at, length }) => ({
    from: characterIndexes[at] ?? 0,
    to: (characterIndexes[at + length - 1] ?? 0) + 1,
  }))
  return mergeSpans(spans.toSorted((a, b) => a.from - b.from))
}

/** A part of a passage; `at` is its offset in the page's letters once it is located. */
type Part = { letters: string; at: number | undefined; isUnique: boolean }

/**
 * Reduces a text to its letters and digits without diacritics, case and compatibility forms such as ligatures and
 * full-width letters. Final sigma becomes sigma: a single character does not show whether a sigma ends a word.
 */
const normalizeLetters = (text: string) =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(/[^\p{L}\p{N}]/gu, '')

/** Concatenates the letters of a page and records the index of the character each one comes from. */
function indexLetters(page: string[]) {
  const characterIndexes: number[] = []
  let letters = ''
  for (const [index, character] of page.entries()) {
    const added = normalizeLetters(character)
    letters += added
    for (let i = 0; i < added.length; i++) characterIndexes.push(index)
  }
  return { letters, characterIndexes }
}

/** Splits a passage recursively until each part occurs on the page; returns the parts in passage order. */
function splitIntoParts(passage: string, page: string): Part[] {
  const letters = normalizeLetters(passage)
  if (letters === '') return []
  const at = page.indexOf(letters)
  if (at !== -1) return [{ letters, at: undefined, isUnique: !page.includes(letters, at + 1) }]
  if (letters.length <= minLetters && !unspacedScript.test(letters)) return []
  const splitAt = findSplit(passage)
  return [...splitIntoParts(passage.slice(0, splitAt), page), ...splitIntoParts(passage.slice(splitAt), page)]
}

/** Returns where to split a text: at the line, cell or word boundary nearest to its middle, otherwise in the middle. */
function findSplit(text: string): number {
  const middle = Math.floor(text.length / 2)
  for (const separator of ['\n', '\t', ' ']) {
    const before = text.lastIndexOf(separator, middle)
    const after = text.indexOf(separator, middle)
    const nearest = after === -1 || middle - before < after - middle ? before : after
    if (nearest > text.length / 6 && nearest < (text.length * 5) / 6) return nearest
  }
  const isInSurrogatePair = /[\udc00-\udfff]/.test(text[middle] ?? '')
  return isInSurrogatePair ? middle - 1 : middle
}

/** Locates unique parts first, then each other part at its occurrence nearest to a located neighbour. */
function locateParts(parts: Part[], page: string): void {
  const isUnambiguous = ({ letters, isUnique }: Part) => isUnique && letters.length > minLetters
  for (const part of parts) if (isUnambiguous(part)) part.at = page.indexOf(part.letters)
  const [first] = parts
  if (first && parts.every(({ at }) => at === undefined)) first.at = page.indexOf(first.letters)
  for (const [i, part] of parts.entries()) {
    if (part.at !== undefined) continue
    const before = parts.slice(0, i).findLast(({ at }) => at !== undefined)
    const after = parts.slice(i + 1).find(({ at }) => at !== undefined)
    const expectedOffsets = [
      before && (before.at ?? 0) + before.letters.length,
      after && (after.at ?? 0) - part.letters.length,
    ]
    const candidates = expectedOffsets
      .filter((expected) => expected !== undefined)
      .flatMap((expected) => [
        { at: page.lastIndexOf(part.letters, Math.max(0, expected)), expected },
        { at: page.indexOf(part.letters, Math.max(0, expected)), expected },
      ])
      .filter(({ at, expected }) => at !== -1 && Math.abs(at - expected) <= maxDistance)
      .toSorted((a, b) => Math.abs(a.at - a.expected) - Math.abs(b.at - b.expected))
    part.at = candidates[0]?.at
  }
}

function mergeSpans(spans: CharacterSpan[]): CharacterSpan[] {
  const merged: CharacterSpan[] = []
  for (const span of spans) {
    const last = merged.at(-1)
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else merged.push({ ...span })
  }
  return merged
}
