import { describe, expect, test } from 'vitest'
import { expandFollowUpTerms, expandFollowUpText } from './follow-up.ts'
import { queryAnalyzer } from './query-terms.ts'

const english = await queryAnalyzer('avee', ['eng'])
const meant = (question: string, ...context: string[]) =>
  expandFollowUpTerms(english, question, context)
    .filter((term) => !term.isStopWord)
    .map((term) => `${term.text}${term.weight < 1 ? '?' : ''}`)
    .join(' ')

describe('a follow-up', () => {
  test('takes up what it leaves unsaid, at less weight', () => {
    expect(meant('And in 2023?', 'What was the revenue of Adobe in 2022?')).toBe('2023 revenue? adobe?')
    expect(meant('Why?', 'The bridge over the Orr was closed')).toBe('bridge? orr? closed?')
    expect(meant('When was it opened again?', 'Tell me of the bridge over the Orr')).toContain('bridge?')
  })

  test('looks further back past one that leaned on others itself', () => {
    expect(meant('And in 2024?', 'What was the revenue of Adobe in 2022?', 'And in 2023?')).toBe(
      '2024 revenue? adobe?',
    )
  })

  test('a question that stands by itself stays as it is', () => {
    const question = 'Which birds nest under the northern cliffs in spring?'
    expect(meant(question, 'What was the revenue of Adobe in 2022?')).toBe(meant(question))
    expect(expandFollowUpText(english, question, ['What was the revenue?'])).toBe(question)
  })

  test('without anything before it is what it says', () => {
    expect(meant('And in 2023?')).toBe('2023')
    expect(expandFollowUpText(english, 'And in 2023?', [])).toBe('And in 2023?')
  })

  test('for meaning the question before stands in front', () => {
    expect(expandFollowUpText(english, 'And in 2023?', ['Revenue in 2022?'])).toBe(
      'Revenue in 2022?\nAnd in 2023?',
    )
  })
})
