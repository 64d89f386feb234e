import { expect, test } from 'vitest'
import { coverageOf } from './coverage.ts'
import { queryAnalyzer } from './query-terms.ts'

async function coverage(question: string, text: string, language = 'eng') {
  const analyzer = await queryAnalyzer('avee', [language], question)
  return coverageOf(analyzer, analyzer.terms(question), { context: '', text }, () => 1)
}

test('a word that shares a part with a term counts half, in both directions', async () => {
  expect(await coverage('Telefonnummer?', 'Telefon: 0381 555', 'deu')).toMatchObject({ share: 0.5 })
  expect(await coverage('Telefon?', 'Telefonnummer: 0381 555', 'deu')).toMatchObject({ share: 0.5 })
  expect(await coverage('Telefon?', 'Die Telefonnummer oder das Telefon', 'deu')).toMatchObject({ share: 1 })
})

test('short parts do not count', async () => {
  expect(await coverage('Where is the cat?', 'The category of the concatenation')).toMatchObject({ share: 0 })
})

test('a compound is not a missing term if its words are contained, and counts if only the compound is', async () => {
  expect(await coverage('Revenue in FY-2018?', 'revenue 2018 fy')).toMatchObject({ share: 1 })
  expect(await coverage('E-mail', 'email')).toMatchObject({ matched: 1 })
})

test('the window share is that of terms near each other', async () => {
  const far = `revenue ${'word '.repeat(40)} lighthouse`
  const { share, windowShare } = await coverage('revenue lighthouse', far)
  expect(share).toBe(1)
  expect(windowShare).toBe(0.5)
  expect(await coverage('revenue lighthouse', 'lighthouse revenue')).toMatchObject({ windowShare: 1 })
})

test('in a text of another language than the question, only equal words count', async () => {
  const shareIn = async (question: string, language: string, text: string) => {
    const analyzer = await queryAnalyzer('avee', ['deu', 'fra', 'spa', 'eng'], question)
    return coverageOf(analyzer, analyzer.terms(question), { context: '', text, language }).share
  }
  expect(await shareIn('Was ist der Mars?', 'fra', 'les marées')).toBe(0)
  expect(await shareIn('Was ist der Mars?', 'eng', 'Mars is red')).toBe(1)
  expect(await shareIn('¿Está casado?', 'fra', 'en cas de fièvre')).toBe(0)
  expect(await shareIn('¿Está casado?', 'spa', 'están casados')).toBe(1)
  expect(await shareIn('What did she study?', 'spa', 'la sala de estudio')).toBe(0)
})
