import type { Db } from '../../db/index.ts'
import { wordCount } from '../chunking/word-count.ts'
import { findPassagesByNumber, listPassages, type RankedPassage, type Scope } from '../store/search.ts'
import { type Hit, toHit } from './hit.ts'

/** The maximum number of ranked passages to consider; `maxWords` nearly always ends the selection earlier. */
export const maxConsideredPassages = 40

/**
 * Selects passages for a prompt in ranked order, each with the passage before and after it, because answers often
 * continue across a boundary. Adjacent passages of a page are merged into one. A scope that `isSmall` is selected as a
 * whole if it fits, because a question need not contain a word of its answer.
 */
export async function selectContext(
  db: Db,
  scopes: (Scope & { isSmall: boolean })[],
  found: RankedPassage[],
  maxWords: number,
): Promise<Hit[]> {
  const neighbours = found.slice(0, maxConsideredPassages).flatMap(({ version, n }) => [
    { version, n: n - 1 },
    { version, n: n + 1 },
  ])
  const known = new Map(found.map((passage) => [keyOf(passage), passage]))
  const ranking = [...found]
  const others = await Promise.all(
    scopes.map(async (scope) => ({
      isSmall: scope.isSmall,
      passages: scope.isSmall
        ? await listPassages(db, scope, maxConsideredPassages)
        : neighbours.length > 0
          ? await findPassagesByNumber(db, scope, neighbours)
          : [],
    })),
  )
  for (const { isSmall, passages } of others) {
    const words = passages.reduce((sum, { text }) => sum + wordCount(text), 0)
    for (const passage of passages) {
      if (known.has(keyOf(passage))) continue
      known.set(keyOf(passage), passage)
      if (isSmall && words <= maxWords) ranking.push(passage)
    }
  }
  const selected = new Map<string, RankedPassage>()
  let wordsLeft = maxWords
  const select = (passage: RankedPassage | undefined, page: number | null): void => {
    if (!passage || selected.has(keyOf(passage)) || passage.page !== page) return
    const words = wordCount(passage.text)
    if (words > wordsLeft && selected.size > 0) return
    selected.set(keyOf(passage), passage)
    wordsLeft -= words
  }
  for (const { version, n, page } of ranking) {
    if (wordsLeft <= 0) break
    for (const number of [n, n - 1, n + 1]) select(known.get(keyOf({ version, n: number })), page)
  }
  return mergeAdjacent([...selected.values()], ranking)
}

const keyOf = ({ version, n }: { version: string; n: number }) => `${version}/${n}`

/** Merges adjacent passages of a page; each result has the rank and score of its best passage. */
function mergeAdjacent(selected: RankedPassage[], ranking: RankedPassage[]): Hit[] {
  const ranks = new Map(ranking.map((passage, rank) => [keyOf(passage), rank]))
  const rankOf = (passage: RankedPassage) => ranks.get(keyOf(passage)) ?? ranking.length
  const groups: [RankedPassage, ...RankedPassage[]][] = []
  for (const passage of selected.toSorted((a, b) => Number(a.version) - Number(b.version) || a.n - b.n)) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    const isAdjacent =
      last?.version === passage.version &&
      last.page === passage.page &&
      last.n + 1 === passage.n &&
      last.end === passage.start
    if (group && isAdjacent) group.push(passage)
    else groups.push([passage])
  }
  return groups
    .map((group) => ({ group, best: group.reduce((a, b) => (rankOf(b) < rankOf(a) ? b : a)) }))
    .sort((a, b) => rankOf(a.best) - rankOf(b.best))
    .map(({ group, best }) => ({
      ...toHit(best),
      start: group[0].start,
      end: group.at(-1)?.end ?? best.end,
      text: group.map(({ text }) => text).join(''),
    }))
}
