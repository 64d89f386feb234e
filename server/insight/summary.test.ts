import { describe, expect, test } from 'vitest'
import { extractSummary, type SummarizedMessage } from './summary.ts'

const said = (role: 'user' | 'assistant', content: string): SummarizedMessage => ({
  role,
  content,
  model: role === 'user' ? null : 'llama',
})
const syllables = ['ba', 'ko', 'li', 'mu', 'ne', 'ra', 'so', 'tiv', 'dor', 'gan']
/** Returns a distinct word for each number. */
const name = (n: number) => [...`${1_000 + n}`].map((digit) => syllables[Number(digit)]).join('')

/** Returns messages about walks along harbours that share no other terms. */
const talk = (from: number, to: number): SummarizedMessage[] =>
  Array.from({ length: to - from }, (_, i) => {
    const [place, trade, beast] = [0, 300, 600].map((more) => name(from + i + more))
    return [
      said('user', `On the walk along the harbour of ${place} I met a ${trade}. Is that far?`),
      said(
        'assistant',
        `Let me know if you want more. The harbour of ${place} was built by ${beast} drivers.`,
      ),
    ]
  }).flat()
const words = (text: string) => text.split(/\s+/).length

describe('extractSummary', () => {
  test('keeps speakers and order and skips questions and courtesies', async () => {
    const summary = await extractSummary('', [
      said('user', 'I plan to sail from Genoa to Corsica in May. What should I pack?'),
      said('assistant', 'Feel free to ask more. In May the sea near Corsica is 17 degrees cold.'),
      said('user', 'My sister Ana sails from Genoa with me.'),
    ])
    expect(summary.split('\n')).toEqual([
      'They said: I plan to sail from Genoa to Corsica in May.',
      'You said: In May the sea near Corsica is 17 degrees cold.',
      'They said: My sister Ana sails from Genoa with me.',
    ])
  })

  test('keeps its length limit and some of its beginning as the conversation grows', async () => {
    const first = await extractSummary('', [
      said('user', 'The walk begins at the harbour, and we meet at the old harbour walk at nine.'),
      ...talk(0, 20),
    ])
    let summary = first
    for (let part = 1; part < 6; part++)
      summary = await extractSummary(summary, talk(part * 20, part * 20 + 20))
    expect(words(summary)).toBeLessThanOrEqual(150)
    const kept = first.split('\n').filter((line) => summary.includes(line))
    expect(kept.length).toBeGreaterThan(0)
    const latest = Array.from({ length: 20 }, (_, i) => name(100 + i))
    expect(latest.some((place) => summary.includes(place))).toBe(true)
  })

  test('contains no sentence twice and is empty without statements', async () => {
    const again = Array.from({ length: 9 }, () => said('user', 'The red boat leaves Genoa harbour at nine.'))
    expect(await extractSummary('', again)).toBe('They said: The red boat leaves Genoa harbour at nine.')
    expect(await extractSummary('', [said('user', 'And you?'), said('assistant', 'Sure!')])).toBe('')
  })
})
