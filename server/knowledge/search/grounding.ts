import type { Db } from '../../db/index.ts'
import { wordsIn } from '../cut/size.ts'
import { type FoundPassage, passagesByNumber, type Scope } from '../store/search.ts'
import { type Hit, hitOf } from './hit.ts'

/** Passages found that are considered; the budget nearly always ends earlier. */
export const consideredHits = 40

/**
 * Chooses what of a ranking goes into a prompt of so many words: the best passage first, each with the one before and
 * the one after it, as an answer often runs over the edge. Neighbours of one page become one stretch.
 */
export async function ground(db: Db, scope: Scope, ranking: FoundPassage[], words: number): Promise<Hit[]> {
  const around = ranking.slice(0, consideredHits).flatMap((hit) => [
    { version: hit.version, n: hit.n - 1 },
    { version: hit.version, n: hit.n + 1 },
  ])
  const known = new Map(ranking.map((hit) => [keyOf(hit), hit]))
  for (const passage of await passagesByNumber(db, scope, around)) {
    if (!known.has(keyOf(passage))) known.set(keyOf(passage), passage)
  }
  const chosen = new Map<string, FoundPassage>()
  let left = words
  const take = (passage: FoundPassage | undefined, hit: FoundPassage): void => {
    if (!passage || chosen.has(keyOf(passage)) || passage.page !== hit.page) return
    const price = wordsIn(passage.text)
    if (price > left && chosen.size > 0) return
    chosen.set(keyOf(passage), passage)
    left -= price
  }
  for (const hit of ranking) {
    if (left <= 0) break
    take(hit, hit)
    for (const n of [hit.n - 1, hit.n + 1]) take(known.get(keyOf({ version: hit.version, n })), hit)
  }
  return joined([...chosen.values()], ranking)
}

const keyOf = ({ version, n }: { version: string; n: number }) => `${version}/${n}`

/** Neighbours of one page as one stretch, which stands where its best passage stood. */
function joined(chosen: FoundPassage[], ranking: FoundPassage[]): Hit[] {
  const rank = new Map(ranking.map((hit, index) => [keyOf(hit), index]))
  const rankOf = (passage: FoundPassage) => rank.get(keyOf(passage)) ?? ranking.length
  const stretches: FoundPassage[][] = []
  for (const passage of chosen.toSorted((a, b) => Number(a.version) - Number(b.version) || a.n - b.n)) {
    const stretch = stretches.at(-1)
    const last = stretch?.at(-1)
    const follows =
      last?.version === passage.version && last.page === passage.page && last.n + 1 === passage.n
    if (stretch && follows && last.end === passage.start) stretch.push(passage)
    else stretches.push([passage])
  }
  return stretches
    .map((stretch) => {
      const [best] = stretch.toSorted((a, b) => rankOf(a) - rankOf(b))
      return { stretch, best: best as FoundPassage }
    })
    .sort((a, b) => rankOf(a.best) - rankOf(b.best))
    .map(({ stretch, best }) => ({
      ...hitOf(best),
      start: stretch[0]?.start ?? best.start,
      end: stretch.at(-1)?.end ?? best.end,
      text: stretch.map((passage) => passage.text).join(''),
    }))
}
