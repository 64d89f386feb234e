import { type Layer } from '../../../contract/layers.ts'
import { type Knowledge } from '../../knowledge/index.ts'
import { idf } from '../../search/index.ts'
import type { Weigh } from './terms.ts'

/** Rarities run from 0.1 (in nearly every passage) to 9 (one of ten thousand); weights from 0.3 to 1.5. */
const usualRarity = 4
const lightest = 0.3
const heaviest = 1.5

/** How much words count by how rare they are among an avee's passages that may be seen. One query. */
export async function weigher(
  knowledge: Pick<Knowledge, 'documentFrequencies'>,
  scope: { aveeId: string; layers: Layer[] },
  forms: Iterable<string>,
): Promise<{ weigh: Weigh; holding: (form: string) => number; passages: number }> {
  const { passages, words } = await knowledge.documentFrequencies(scope.aveeId, scope.layers, [
    ...new Set(forms),
  ])
  const holding = (form: string) => words.get(form) ?? 0
  return {
    passages,
    holding,
    weigh: (form) =>
      passages === 0 ? 1 : Math.min(heaviest, Math.max(lightest, idf(holding(form), passages) / usualRarity)),
  }
}
