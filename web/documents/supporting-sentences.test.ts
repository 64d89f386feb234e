import { expect, test } from 'vitest'
import { claimFor, findSupportingSentences } from './supporting-sentences.ts'

const passage =
  'The river\n\nBelow the weir the river widens\ninto a pool where trout wait.\n\nWhat is ground\n\nRye is ground on Mondays and barley\non Thursdays. A sack of rye takes forty minutes. Whoever comes last sweeps the floor.'
const told = (claim: string, text = passage) =>
  findSupportingSentences(text, claim).map(({ start, end }) => text.slice(start, end))

test('the sentences that say what is claimed stand out', () => {
  expect(told('The mill grinds rye on Mondays and barley on Thursdays.')).toEqual([
    'Rye is ground on Mondays and barley\non Thursdays.',
  ])
  expect(told('A sack takes **forty** minutes')).toEqual(['A sack of rye takes forty minutes.'])
})

test('each sentence of a claim has its own', () => {
  expect(told('“Rye is ground on Mondays.” (page 2)\n\n“Trout wait in the pool.”')).toEqual([
    'Below the weir the river widens\ninto a pool where trout wait.',
    'Rye is ground on Mondays and barley\non Thursdays.',
  ])
})

test('of a table a row stands out, with the names of columns that are claimed', () => {
  const table = 'Item\t2022\t2021\nNet sales\t51,761\t47,262\nCost of sales\t40,121\t36,689\nThat is all.'
  expect(told('Net sales were 51,761.', table)).toEqual(['Net sales\t51,761\t47,262'])
  expect(told('Net sales were 51,761 in 2022.', table)[0]).toBe('Item\t2022\t2021')
})

test('in scripts without blanks too', () => {
  const text = '灯台は岬の先に立っている。港は夜明けに開く。水車小屋は川のほとりにある。'
  expect(told('港は夜明けに開きます', text)).toEqual(['港は夜明けに開く。'])
})

test('nothing stands out when nothing, or everything, says it', () => {
  expect(told('Ships sail to Lisbon.')).toEqual([])
  expect(told('')).toEqual([])
  expect(told('Rye is ground', 'Rye is ground.')).toEqual([])
})

test('what an answer takes from a source are the sentences that name it', () => {
  const answer = 'It opens at dawn [1]. It closes late. [2] The mill is old [1, 3].\n\n- Rye on Mondays [2]\n'
  expect(claimFor(answer, 1).replace(/\s+/g, ' ').trim()).toBe('It opens at dawn . The mill is old .')
  expect(claimFor(answer, 2)).toContain('It closes late.')
  expect(claimFor(answer, 2)).toContain('Rye on Mondays')
  expect(claimFor(answer, 3)).toContain('The mill is old')
  expect(claimFor(answer, 4)).toBe('')
})
