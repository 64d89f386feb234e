import { describe, expect, it } from 'vitest'
import { detectLanguage, detectQuestionLanguage } from './language.ts'

describe('detectLanguage', () => {
  it.each([
    ['eng', 'The harbour was quiet in the early morning, and nobody had seen the ship arrive.'],
    ['deu', 'Am frühen Morgen war der Hafen still, und niemand hatte das Schiff ankommen sehen.'],
    ['fra', "Au petit matin, le port était calme et personne n'avait vu arriver le navire."],
    ['pol', 'Wczesnym rankiem w porcie było cicho i nikt nie widział, jak statek przypłynął.'],
    ['rus', 'Ранним утром в порту было тихо, и никто не видел, как прибыл корабль.'],
    ['cmn', '清晨的港口很安静，没有人看见那艘船到达，也没有人知道它从哪里来。'],
    ['jpn', '早朝の港は静かで、船が着いたのを誰も見ていませんでした。'],
    ['kor', '이른 아침 항구는 조용했고 아무도 배가 도착하는 것을 보지 못했습니다.'],
    ['tha', 'ในตอนเช้าตรู่ท่าเรือเงียบสงบและไม่มีใครเห็นเรือมาถึง'],
  ])('detects %s', (code, text) => {
    expect(detectLanguage(text)).toBe(code)
  })

  it.each([
    [
      'eng',
      '# Bramble Books\n\nOpening hours: Mon–Fri 9–17, Sat 10–14\n\nPhone: 01632 960114\n\nEmail: hello@bramble.example\n',
    ],
    [
      'eng',
      '| Service | Price |\n| --- | --- |\n| Haircut | £28 |\n| Beard trim | £12 |\n| Colouring | £45 |\n',
    ],
    ['eng', 'Quarterly report'],
    ['eng', 'Who is the treasurer?'],
    ['deu', 'Was kostet ein Fahrradschlauch?'],
    ['fra', 'Où est la tondeuse ?'],
    ['spa', '¿Cuánto dura la garantía?'],
  ])('detects %s in contact data, tables and questions', (code, text) => {
    expect(detectLanguage(text)).toBe(code)
  })

  it('returns null for a few words and for numbers', () => {
    expect(detectLanguage('Ines Valcourt')).toBeNull()
    expect(detectLanguage('12 500\t13 800\t14 100\n'.repeat(40))).toBeNull()
    expect(detectLanguage('')).toBeNull()
  })

  it('considers more than the beginning of a long text', () => {
    const licence = 'Permission is hereby granted, free of charge, to any person obtaining a copy. '
    const german = 'Der Hafen war still, und das Schiff lag noch immer an seinem alten Platz am Kai. '
    expect(detectLanguage(licence.repeat(9) + german.repeat(300))).toBe('deu')
  })

  it('prefers the languages of the texts for a question, and recognizes others', () => {
    expect(detectQuestionLanguage('When do you open?', ['spa', 'eng'])).toBe('eng')
    expect(detectQuestionLanguage('Wie hoch war der Umsatz?', ['eng'])).toBe('deu')
    expect(detectQuestionLanguage('灯塔是什么时候点亮的？', ['eng'])).toBe('cmn')
    expect(detectQuestionLanguage('Ines Valcourt', ['eng'])).toBeNull()
  })

  it.each([
    ['eng', 'How old is Harriet?'],
    ['fra', 'Qui est le trésorier ?'],
    ['deu', 'Welche Nummer hat der Jugendtrainer?'],
  ])('recognizes a question in %s, whatever the order of the languages of the texts', (code, question) => {
    const languages = ['cmn', 'eng', 'deu', 'fra', 'spa', 'nob', null]
    expect(detectQuestionLanguage(question, languages)).toBe(code)
    expect(detectQuestionLanguage(question, languages.toReversed())).toBe(code)
  })
})
