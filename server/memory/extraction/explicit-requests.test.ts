import { describe, expect, test } from 'vitest'
import { explicitRequests, requestLanguages } from './explicit-requests.ts'

const remembered: [language: string, text: string, content: string][] = [
  ['eng', 'Remember that I prefer metric units.', 'I prefer metric units'],
  ['eng', "Hey, please remember: I'm vegan!", "I'm vegan"],
  ['eng', 'Can you remember that Dr. Smith is my dentist?', 'Dr. Smith is my dentist'],
  ['eng', 'Don’t forget that my exam is on Friday', 'my exam is on Friday'],
  ['eng', 'Keep in mind that I live in Rome. What should I see?', 'I live in Rome'],
  ['eng', 'Remember my sister is called Eva', 'my sister is called Eva'],
  ['deu', 'Merk dir, dass ich in Köln wohne.', 'ich in Köln wohne'],
  ['deu', 'Bitte vergiss nicht, dass ich Vegetarierin bin', 'ich Vegetarierin bin'],
  ['spa', 'Recuerda que vivo en Madrid', 'vivo en Madrid'],
  ['spa', '¿Puedes recordar que soy alérgica a las nueces?', 'soy alérgica a las nueces'],
  ['fra', "Souviens-toi que j'habite à Lyon", "j'habite à Lyon"],
  ['fra', "N'oublie pas qu’il y a un chien chez moi", 'il y a un chien chez moi'],
  ['por', 'Lembra-te de que moro em Lisboa', 'moro em Lisboa'],
  ['por', 'Por favor, não esqueça que sou vegano', 'sou vegano'],
  ['ita', 'Ricordati che abito a Roma', 'abito a Roma'],
  ['cmn', '请记住我住在上海。', '我住在上海'],
  ['cmn', '别忘了，我对花生过敏', '我对花生过敏'],
  ['jpn', '私は東京に住んでいることを覚えておいてください。', '私は東京に住んでいる'],
  ['jpn', '猫が好きなことを忘れないでね', '猫が好きな'],
  ['arb', 'تذكر أن قطتي اسمها لولو', 'قطتي اسمها لولو'],
  ['arb', 'من فضلك تذكر أنني أعيش في القاهرة.', 'أنني أعيش في القاهرة'],
]

const forgotten: [language: string, text: string, content: string][] = [
  ['eng', 'Forget that I live in Paris.', 'I live in Paris'],
  ['eng', 'Please forget everything about my job', 'my job'],
  ['eng', 'forget my address', 'my address'],
  ['deu', 'Vergiss, dass ich in Köln wohne', 'ich in Köln wohne'],
  ['spa', 'Olvida que vivo en Madrid', 'vivo en Madrid'],
  ['fra', "Oublie que j'habite à Lyon", "j'habite à Lyon"],
  ['por', 'Esquece que moro em Lisboa', 'moro em Lisboa'],
  ['ita', 'Dimentica che abito a Roma', 'abito a Roma'],
  ['cmn', '忘记我住在上海', '我住在上海'],
  ['jpn', '私の住所は忘れてください', '私の住所'],
  ['arb', 'انس أن قطتي اسمها لولو', 'قطتي اسمها لولو'],
]

describe('explicit requests', () => {
  test.each(remembered)('remember (%s): %s', (language, text, content) => {
    expect(explicitRequests(text)).toMatchObject([{ kind: 'remember', language, content }])
  })

  test.each(forgotten)('forget (%s): %s', (language, text, content) => {
    expect(explicitRequests(text)).toMatchObject([{ kind: 'forget', language, content }])
  })

  test('has examples of both in every language', () => {
    for (const examples of [remembered, forgotten])
      expect(new Set(examples.map(([language]) => language))).toEqual(new Set(requestLanguages))
  })

  test.each([
    'I live in Berlin.',
    'Do you remember that I live in Paris?',
    'Remember that time in Rome?',
    'Remember the Alamo',
    'I remember that she lives in Rome',
    'She said: remember that I live in Rome',
    'Forget it',
    'I always forget that word',
    'Translate into German:\nRemember that I live in London.',
    '```\nremember that I live in Berlin\n```',
    '> Remember that I am allergic to cats',
    '"Remember that I live in Rome" is a quote',
    'Remember that',
    'Ich vergesse, dass ich müde bin',
    '我记住了',
    '忘れ物をした',
  ])('finds no request: %s', (text) => expect(explicitRequests(text)).toEqual([]))

  test('offsets are those of the message', () => {
    const text = 'Hello there.\n  Remember that I ski. And forget that I sing!'
    const requests = explicitRequests(text)
    expect(requests.map(({ start, end }) => text.slice(start, end))).toEqual(['I ski', 'I sing'])
  })
})
