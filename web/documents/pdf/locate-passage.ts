/** Characters of a page, by their numbers; `to` is the first one after it. */
export type CharacterSpan = { from: number; to: number }

/** Shorter words stand in too many places to be told apart, and their parts mean nothing. */
const fewestLetters = 4
const unspaced =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]{2,}$/u
/** A stretch that stands on the page more than once is taken where it is this near to what was found beside it. */
const near = 400
/** A page that holds less of a passage's letters than this is another page. */
const enough = 0.6

/**
 * Finds a passage on a page of a PDF. The page comes as the file has its characters: with columns, cells and parted
 * words in the order they were drawn, while the passage was put into reading order. So only letters and digits count,
 * and what is not found whole is looked for in parts. Undefined when most of it is not there.
 */
export function locatePassage(page: string[], passage: string): CharacterSpan[] | undefined {
  const stream = streamOf(page)
  const parts = partsOf(passage, stream.text)
  place(parts, stream.text)
  const placed = parts.flatMap(({ letters, at }) =>
    at === undefined ? [] : [{ at, length: letters.length }],
  )
  const found = placed.reduce((sum, { length }) => sum + length, 0)
  if (found === 0 || found < enough * lettersOf(passage).length) return undefined
  const spans = placed.map(({ at, length }) => ({
    from: stream.owner[at] ?? 0,
    to: (stream.owner[at + length - 1] ?? 0) + 1,
  }))
  return joined(spans.toSorted((a, b) => a.from - b.from))
}

type Part = { letters: string; at: number | undefined; isOnce: boolean }

/**
 * Compatible forms as one, marks and case off: ligatures, wide forms and accents are written in many ways. A sigma has
 * another small form at the end of a word, which a character alone does not know of.
 */
const lettersOf = (text: string) =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(/[^\p{L}\p{N}]/gu, '')

/** The letters of a page in one text, with the character that each of them comes from. */
function streamOf(page: string[]) {
  const owner: number[] = []
  let text = ''
  for (const [index, character] of page.entries()) {
    const letters = lettersOf(character)
    text += letters
    for (let i = 0; i < letters.length; i++) owner.push(index)
  }
  return { text, owner }
}

/** The longest stretches of a passage that are on the page, in the passage's order. */
function partsOf(passage: string, page: string): Part[] {
  const letters = lettersOf(passage)
  if (letters === '') return []
  const at = page.indexOf(letters)
  if (at !== -1) return [{ letters, at: undefined, isOnce: !page.includes(letters, at + 1) }]
  if (letters.length <= fewestLetters && !unspaced.test(letters)) return []
  const cut = cutOf(passage)
  return [...partsOf(passage.slice(0, cut), page), ...partsOf(passage.slice(cut), page)]
}

/** Where to part a text: the end of a line, cell or word near its middle, else the middle. */
function cutOf(text: string): number {
  const middle = Math.floor(text.length / 2)
  for (const gap of ['\n', '\t', ' ']) {
    const before = text.lastIndexOf(gap, middle)
    const after = text.indexOf(gap, middle)
    const nearest = after === -1 || middle - before < after - middle ? before : after
    if (nearest > text.length / 6 && nearest < (text.length * 5) / 6) return nearest
  }
  const isInPair = /[\udc00-\udfff]/.test(text[middle] ?? '')
  return isInPair ? middle - 1 : middle
}

/** Sure parts first; the others where they are nearest to a neighbour that is sure. */
function place(parts: Part[], page: string): void {
  const isSure = ({ letters, isOnce }: Part) => isOnce && letters.length > fewestLetters
  for (const part of parts) if (isSure(part)) part.at = page.indexOf(part.letters)
  const [first] = parts
  if (first && parts.every(({ at }) => at === undefined)) first.at = page.indexOf(first.letters)
  for (const [i, part] of parts.entries()) {
    if (part.at !== undefined) continue
    const before = parts.slice(0, i).findLast(({ at }) => at !== undefined)
    const after = parts.slice(i + 1).find(({ at }) => at !== undefined)
    const expected = [
      before && (before.at ?? 0) + before.letters.length,
      after && (after.at ?? 0) - part.letters.length,
    ]
    const places = expected
      .filter((place) => place !== undefined)
      .flatMap((place) => [
        { at: page.lastIndexOf(part.letters, Math.max(0, place)), place },
        { at: page.indexOf(part.letters, Math.max(0, place)), place },
      ])
      .filter(({ at, place }) => at !== -1 && Math.abs(at - place) <= near)
      .toSorted((a, b) => Math.abs(a.at - a.place) - Math.abs(b.at - b.place))
    part.at = places[0]?.at
  }
}

function joined(spans: CharacterSpan[]): CharacterSpan[] {
  const whole: CharacterSpan[] = []
  for (const span of spans) {
    const last = whole.at(-1)
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else whole.push({ ...span })
  }
  return whole
}
