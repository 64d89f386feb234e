import { expect, test } from 'vitest'
import type { QueryTerm } from '../../search/index.ts'
import { answerabilityOf, answerProbability, evidenceWeight } from './answerability.ts'

const probability = (share: number, matched: number) =>
  answerProbability({ coverage: [{ share, windowShare: share, matched }], cosines: [] })
const outcome = (share: number, matched: number, passages = 100) =>
  answerabilityOf(probability(share, matched), passages)

test('the probability increases with the share and the number of matched terms', () => {
  expect(probability(0.9, 5)).toBeGreaterThan(probability(0.5, 5))
  expect(probability(0.5, 8)).toBeGreaterThan(probability(0.5, 2))
})

test('rare words and names are stronger evidence than others, and bigrams across two words weaker', () => {
  const weight = (term: Partial<QueryTerm>) =>
    evidenceWeight(
      {
        text: '',
        stems: new Map(),
        weight: 1,
        isStopWord: false,
        generalIdf: 1,
        wordIdf: 0.9,
        isCapitalized: false,
        spansWords: false,
        isCompound: false,
        ...term,
      },
      false,
    )
  expect(weight({ isCapitalized: true })).toBeGreaterThan(weight({}))
  expect(weight({ wordIdf: 0.5 })).toBeLessThan(weight({}))
  expect(weight({ spansWords: true })).toBeLessThan(weight({}))
})

test('a question of one contained rare term is answered, half of two terms is unsure, no term is a no', () => {
  expect(outcome(1, 1)).toBe('yes')
  expect(outcome(0.6, 1.2)).toBe('unsure')
  expect(outcome(0, 0)).toBe('no')
  expect(answerabilityOf(answerProbability({ coverage: [], cosines: [] }), 1)).toBe('no')
})

test('half of a question of two ordinary words is unsure, a quarter of a longer one is a no', () => {
  expect(outcome(0.4, 0.3)).toBe('unsure')
  expect(outcome(0.2, 0.15)).toBe('no')
  expect(outcome(0.25, 0.8)).toBe('no')
})

test('less evidence is enough for "unsure" among fewer passages, but some is always needed', () => {
  expect(outcome(0.2, 0.5)).toBe('no')
  expect(outcome(0.2, 0.5, 2)).toBe('unsure')
  for (const passages of [0, 1]) expect(answerabilityOf(0, passages)).toBe('no')
  expect(outcome(0, 0, 1)).toBe('no')
  expect(outcome(0.9, 0.3, 1)).toBe(outcome(0.9, 0.3, 1_000))
})

test('a passage far nearer than the background is enough evidence, a slightly nearer one is not', () => {
  const background = Array.from({ length: 40 }, () => 0.55)
  const vector = (cosines: number[]) => answerabilityOf(answerProbability({ coverage: [], cosines }), 42)
  expect(vector([0.82, ...background])).toBe('yes')
  expect(vector([0.6, ...background])).toBe('no')
  expect(vector([0.82, 0.5])).toBe('no')
})
