import { describe, expect, test } from 'vitest'
import { findPeriod, withDate } from './dates.ts'

const friday = new Date('2026-03-06T10:00:00Z')
const find = (text: string, language: string) =>
  findPeriod(text, friday, { languages: [language], prefer: 'future' })

describe('periods named in a text', () => {
  test.each([
    ['Next Tuesday I fly to Oslo', 'eng', '2026-03-10', 'day'],
    ['On Tuesday, I have a job interview', 'eng', '2026-03-10', 'day'],
    ['I ran a marathon yesterday', 'eng', '2026-03-05', 'day'],
    ['My dentist appointment is in two weeks', 'eng', '2026-03-20', 'day'],
    ["We're getting married on 4 July 2026", 'eng', '2026-07-04', 'day'],
    ['Nächsten Dienstag fliege ich nach Oslo', 'deu', '2026-03-10', 'day'],
    ['El próximo martes vuelo a Oslo', 'spa', '2026-03-10', 'day'],
    ['Mardi prochain je pars à Oslo', 'fra', '2026-03-10', 'day'],
    ['I moved to Rome last month', 'eng', '2026-02-01', 'month'],
    ['What did we say last week?', 'eng', '2026-02-23', 'week'],
    ['Ich bin letzten Monat nach Hamburg gezogen', 'deu', '2026-02-01', 'month'],
    ['I got divorced last year', 'eng', '2025-01-01', 'year'],
    ['昨天我去了上海', 'cmn', '2026-03-05', 'day'],
    ['What happened in 2021?', 'eng', '2021-01-01', 'year'],
  ])('%s', (text, language, from, precision) => {
    expect(find(text, language)).toMatchObject({ from: new Date(`${from}T00:00:00Z`), precision })
  })

  test('does not parse abbreviated weekdays of another language', () => {
    const options = { languages: ['eng', 'deu'], prefer: 'past' as const }
    expect(findPeriod('What do I like?', friday, options)).toBeUndefined()
  })

  test('a month without a year is the last one when the past is preferred', () => {
    const options = { languages: ['eng'], prefer: 'past' as const }
    expect(findPeriod('What did we do in May?', friday, options)?.from).toEqual(
      new Date('2025-05-01T00:00:00Z'),
    )
  })

  test.each(['I like tea', 'How was the opening night?'])('finds no date: %s', (text) => {
    expect(find(text, 'eng')).toBeUndefined()
  })

  test('the date of a relative expression is appended, that of an absolute one is not', () => {
    const append = (text: string) => withDate(text, find(text, 'eng'))
    expect(append('My exam is next Tuesday')).toBe('My exam is next Tuesday (2026-03-10)')
    expect(append('The wedding is on 4 July 2026')).toBe('The wedding is on 4 July 2026')
  })

  test('searches the beginning of a text only', () => {
    expect(find(`${'word '.repeat(100)}tomorrow`, 'eng')).toBeUndefined()
  })
})
