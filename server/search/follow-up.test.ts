import { describe, expect, test } from 'vitest'
import { expandFollowUp } from './follow-up.ts'
import { queryAnalyzer } from './query-terms.ts'

const english = await queryAnalyzer('avee', ['eng'])
/** Returns the query terms; those of earlier questions end in question marks, one for each halving of their weight. */
const expanded = (question: string, ...context: string[]) => {
  const { own, carried } = expandFollowUp(english, question, context)
  return [
    ...own.filter((term) => !term.isStopWord).map(({ text }) => text),
    ...carried.map(({ text, weight }) => `${text}${weight < 0.5 ? '??' : '?'}`),
  ].join(' ')
}

describe('a follow-up question', () => {
  test('includes the terms of the previous question with less weight', () => {
    expect(expanded('And in 2023?', 'What was the revenue of Adobe in 2022?')).toBe('2023 revenue? adobe?')
    expect(expanded('Why?', 'The bridge over the Orr was closed')).toBe('bridge? orr? closed?')
    expect(expanded('When was it opened again?', 'Tell me of the bridge over the Orr')).toContain('bridge?')
  })

  test('skips earlier follow-ups', () => {
    expect(expanded('And in 2024?', 'What was the revenue of Adobe in 2022?', 'And in 2023?')).toBe(
      '2024 revenue? adobe?',
    )
  })

  test('includes the subject that an earlier follow-up named', () => {
    const context = ['When is the pottery course?', 'And where?', 'And the painting course?']
    expect(expanded('How much is it?', ...context)).toBe('painting? course? pottery??')
  })

  test('is unchanged without an earlier question', () => {
    expect(expanded('And in 2023?')).toBe('2023')
    expect(expandFollowUp(english, 'And in 2023?', []).text).toBe('And in 2023?')
  })

  test('is complete with two terms of its own and no cue', () => {
    const isComplete = (question: string) =>
      expandFollowUp(english, question, ['How many beds does the family room have?']).isComplete
    expect(isComplete('When was the hotel built?')).toBe(true)
    for (const question of ['And the hotel garden?', 'When was it built?', 'In 2023 and 2024?', 'Price?'])
      expect(isComplete(question)).toBe(false)
  })

  test('is embedded together with the previous question', () => {
    expect(expandFollowUp(english, 'And in 2023?', ['Revenue in 2022?']).text).toBe(
      'Revenue in 2022?\nAnd in 2023?',
    )
  })
})

describe('follow-up detection', () => {
  const isFollowUp = async (language: string, question: string) => {
    const analyzer = await queryAnalyzer('avee', [language])
    return expandFollowUp(analyzer, question, ['Earlier?']).text !== question
  }

  test.each([
    ['eng', 'And how high was the revenue of the western branch in spring?'],
    ['eng', 'How long does the northern harbour keep it closed every winter?'],
    ['eng', 'How did she pay for the old workshop near the harbour of Bergen?'],
    ['deu', 'Wie lange dauert ihre Renovierung am nördlichen Ufer des Hafens?'],
    ['deu', 'Und wie hoch war der Umsatz der westlichen Filiale im Frühjahr?'],
    ['fra', 'Et quel était le chiffre des ventes de la filiale au printemps ?'],
    ['spa', '¿Y cuánto vendió la sucursal del oeste durante la primavera?'],
    ['ita', 'E quanto ha venduto la filiale occidentale durante la primavera?'],
    ['por', 'E quanto vendeu a filial do oeste durante a primavera?'],
    ['nld', 'En hoe hoog was de omzet van het westelijke filiaal in het voorjaar?'],
    ['swe', 'Och hur hög var omsättningen för den västra filialen i våras?'],
    ['ces', 'A jaký byl obrat západní pobočky během letošního jara?'],
    ['rus', 'А какая выручка была у западного филиала весной?'],
    ['rus', 'Сколько длится его весенний ремонт на северном берегу?'],
    ['ukr', 'А який дохід був у західної філії навесні цього року?'],
    ['cmn', '那西部分公司在二零二三年春季的收入是多少'],
    ['jpn', 'では、西支店の二〇二三年春の売上高はいくらでしたか'],
  ])('recognizes a follow-up (%s): %s', async (language, question) => {
    expect(await isFollowUp(language, question)).toBe(true)
  })

  test.each([
    ['eng', 'Which birds nest under the northern cliffs in spring?'],
    ['eng', 'A summary of the annual report about honey production'],
    ['eng', 'Men who sailed to northern islands for whale hunting'],
    ['eng', 'When did Gina open her second workshop near the old harbour?'],
    ['eng', 'Does the NASA archive keep its photographs for more than ten years?'],
    ['deu', 'Wann hat Gina ihre zweite Werkstatt am alten Hafen eröffnet?'],
    ['fra', 'En quelle année le pont de la rivière Orr a été construit ?'],
    ['fra', 'Ma question porte sur le chiffre des ventes de la coopérative'],
    ['spa', 'En qué año fue construido el puente viejo de la ciudad'],
    ['spa', '¿Qué es la fotosíntesis de las plantas verdes acuáticas?'],
    ['por', 'O que é a fotossíntese das plantas verdes aquáticas?'],
    ['ita', 'Qual è il fatturato della cooperativa agricola del nord?'],
    ['dan', 'Hvor høj er omsætningen for filialen om foråret i Aarhus?'],
    ['rus', 'Какая выручка была у западного филиала весной?'],
  ])('recognizes a complete question (%s): %s', async (language, question) => {
    expect(await isFollowUp(language, question)).toBe(false)
  })
})
