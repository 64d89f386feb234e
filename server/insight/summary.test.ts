import { describe, expect, test } from 'vitest'
import { type SummedMessage, summaryOfSentences } from './summary.ts'

const said = (role: 'user' | 'assistant', content: string): SummedMessage => ({
  role,
  content,
  model: role === 'user' ? null : 'llama',
})
const syllables = ['ba', 'ko', 'li', 'mu', 'ne', 'ra', 'so', 'tiv', 'dor', 'gan']
/** A word of its own for each number. */
const name = (n: number) => [...`${1_000 + n}`].map((digit) => syllables[Number(digit)]).join('')

/** Each turn is about something else, and all are about walks along harbours. */
const talk = (from: number, to: number): SummedMessage[] =>
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

describe('a summary of sentences', () => {
  test('says who said what, in its order, and leaves questions and courtesies out', async () => {
    const summary = await summaryOfSentences('', [
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

  test('stays as short, however long the conversation becomes, and keeps something of its beginning', async () => {
    const first = await summaryOfSentences('', [
      said('user', 'The walk begins at the harbour, and we meet at the old harbour walk at nine.'),
      ...talk(0, 20),
    ])
    let summary = first
    for (let part = 1; part < 6; part++)
      summary = await summaryOfSentences(summary, talk(part * 20, part * 20 + 20))
    expect(words(summary)).toBeLessThan(200)
    const kept = first.split('\n').filter((line) => summary.includes(line))
    expect(kept.length).toBeGreaterThan(0)
    const latest = Array.from({ length: 20 }, (_, i) => name(100 + i))
    expect(latest.some((place) => summary.includes(place))).toBe(true)
  })

  test('says nothing twice, and nothing of nothing', async () => {
    const again = Array.from({ length: 9 }, () => said('user', 'The red boat leaves Genoa harbour at nine.'))
    expect(await summaryOfSentences('', again)).toBe('They said: The red boat leaves Genoa harbour at nine.')
    expect(await summaryOfSentences('', [said('user', 'And you?'), said('assistant', 'Sure!')])).toBe('')
  })
})
