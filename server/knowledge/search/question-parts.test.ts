import { describe, expect, test } from 'vitest'
import { interleave, partsOf } from './question-parts.ts'

describe('the parts of a question', () => {
  test.each([
    [
      'What was the revenue of Adobe in 2022 and how many stores does Best Buy have?',
      ['What was the revenue of Adobe in 2022', 'how many stores does Best Buy have?'],
    ],
    ['Кто написал картину и когда её продали?', ['Кто написал картину', 'когда её продали?']],
    ['Qui a peint le tableau et où est-il ?', ['Qui a peint le tableau', 'où est-il ?']],
    ['Wer malte das Bild und wann wurde es verkauft?', ['Wer malte das Bild', 'wann wurde es verkauft?']],
    [
      'Which magazine was published first, Guitar World or Science News?',
      [
        'Which magazine was published first, Guitar World?',
        'Which magazine was published first, Science News?',
      ],
    ],
    [
      'What did it buy in FY2021, FY2022 and FY2023?',
      ['What did it buy in FY2021?', 'What did it buy in FY2022?', 'What did it buy in FY2023?'],
    ],
    [
      'Are Medici and Senet both board games?',
      ['Are Medici both board games?', 'Are Senet both board games?'],
    ],
  ])('%s', (question, parts) => {
    expect(partsOf(question)).toEqual(parts)
  })

  test.each([
    'What was the revenue of Adobe in 2022?',
    'What do salt and pepper cost?',
    'Who found it, and did he sell it?',
    `${'word '.repeat(100)} and when?`,
    '',
  ])('are none if it asks about one thing: %s', (question) => {
    expect(partsOf(question)).toEqual([])
  })
})

test('interleaved rankings begin with the first of each and have no duplicates', () => {
  const ranking = (ids: string) => [...ids].map((id) => ({ id }))
  const ids = interleave(['abc', 'bd', 'e'].map(ranking)).map(({ id }) => id)
  expect(ids.join('')).toBe('abedc')
})
