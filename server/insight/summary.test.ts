import { describe, expect, test } from 'vitest'
import { extractSummary, type SummarizedMessage } from './summary.ts'

const message = (role: 'user' | 'assistant', content: string): SummarizedMessage => ({
  role,
  content,
  model: role === 'user' ? null : 'llama',
})
const syllables = ['ba', 'ko', 'li', 'mu', 'ne', 'ra', 'so', 'tiv', 'dor', 'gan']
/** Returns a distinct word for each number. */
const name = (n: number) => [...`${1_000 + n}`].map((digit) => syllables[Number(digit)]).join('')

/** Returns messages about walks along harbours that share no other terms. */
const conversationAbout = (from: number, to: number): SummarizedMessage[] =>
  Array.from({ length: to - from }, (_, i) => {
    const [place, profession, animal] = [0, 300, 600].map((more) => name(from + i + more))
    return [
      message('user', `On the walk along the harbour of ${place} I met a ${profession}. Is that far?`),
      message(
        'assistant',
        `Let me know if you want more. The harbour of ${place} was built by ${animal} drivers.`,
      ),
    ]
  }).flat()
const words = (text: string) => text.split(/\s+/).length

describe('extractSummary', () => {
  test('keeps speakers and order and skips questions and courtesies', async () => {
    const summary = await extractSummary('', [
      message('user', 'I plan to sail from Genoa to Corsica in May. What should I pack?'),
      message('assistant', 'Feel free to ask more. In May the sea near Corsica is 17 degrees cold.'),
      message('user', 'My sister Ana sails from Genoa with me.'),
    ])
    expect(summary.split('\n')).toEqual([
      'They said: I plan to sail from Genoa to Corsica in May.',
      'You said: In May the sea near Corsica is 17 degrees cold.',
      'They said: My sister Ana sails from Genoa with me.',
    ])
  })

  test('keeps its length limit and some of its beginning as the conversation grows', async () => {
    const first = await extractSummary('', [
      message('user', 'The walk begins at the harbour, and we meet at the old harbour walk at nine.'),
      ...conversationAbout(0, 20),
    ])
    let summary = first
    for (let part = 1; part < 6; part++)
      summary = await extractSummary(summary, conversationAbout(part * 20, part * 20 + 20))
    expect(words(summary)).toBeLessThanOrEqual(150)
    const kept = first.split('\n').filter((line) => summary.includes(line))
    expect(kept.length).toBeGreaterThan(0)
    const latest = Array.from({ length: 20 }, (_, i) => name(100 + i))
    expect(latest.some((place) => summary.includes(place))).toBe(true)
  })

  test('contains no sentence twice and is empty without statements', async () => {
    const again = Array.from({ length: 9 }, () =>
      message('user', 'The red boat leaves Genoa harbour at nine.'),
    )
    expect(await extractSummary('', again)).toBe('They said: The red boat leaves Genoa harbour at nine.')
    expect(await extractSummary('', [message('user', 'And you?'), message('assistant', 'Sure!')])).toBe('')
  })
})
