import { expect, test } from 'vitest'
import { claimFor, findSupportingSentences } from './supporting-sentences.ts'

const passage =
  'The river\n\nBelow the weir the river widens\ninto a pool where trout wait.\n\nWhat is ground\n\nRye is ground on Mondays and barley\non Thursdays. A sack of rye takes forty minutes. Whoever comes last sweeps the floor.'
const supportFor = (claim: string, text = passage) =>
  findSupportingSentences(text, claim).map(({ start, end }) => text.slice(start, end))

test('finds the sentence that supports a claim', () => {
  expect(supportFor('The mill grinds rye on Mondays and barley on Thursdays.')).toEqual([
    'Rye is ground on Mondays and barley\non Thursdays.',
  ])
  expect(supportFor('A sack takes **forty** minutes')).toEqual(['A sack of rye takes forty minutes.'])
})

test('finds support for each sentence of a claim', () => {
  expect(supportFor('“Rye is ground on Mondays.” (page 2)\n\n“Trout wait in the pool.”')).toEqual([
    'Below the weir the river widens\ninto a pool where trout wait.',
    'Rye is ground on Mondays and barley\non Thursdays.',
  ])
})

test('finds the row of a table, and the header if the claim names a column', () => {
  const table = 'Item\t2022\t2021\nNet sales\t51,761\t47,262\nCost of sales\t40,121\t36,689\nThat is all.'
  expect(supportFor('Net sales were 51,761.', table)).toEqual(['Net sales\t51,761\t47,262'])
  expect(supportFor('Net sales were 51,761 in 2022.', table)[0]).toBe('Item\t2022\t2021')
})

test('finds sentences in scripts without spaces', () => {
  const text = '灯台は岬の先に立っている。港は夜明けに開く。水車小屋は川のほとりにある。'
  expect(supportFor('港は夜明けに開きます', text)).toEqual(['港は夜明けに開く。'])
})

test('returns nothing if no sentence supports the claim', () => {
  expect(supportFor('Ships sail to Lisbon.')).toEqual([])
  expect(supportFor('')).toEqual([])
  expect(supportFor('Rye is ground', 'Rye is ground.')).toEqual(['Rye is ground.'])
})

test('returns the sentences of an answer that cite a source', () => {
  const answer = 'It opens at dawn [1]. It closes late. [2] The mill is old [1, 3].\n\n- Rye on Mondays [2]\n'
  expect(claimFor(answer, 1).replace(/\s+/g, ' ').trim()).toBe('It opens at dawn . The mill is old .')
  expect(claimFor(answer, 2)).toContain('It closes late.')
  expect(claimFor(answer, 2)).toContain('Rye on Mondays')
  expect(claimFor(answer, 3)).toContain('The mill is old')
  expect(claimFor(answer, 4)).toBe('')
})
