import { describe, expect, test } from 'vitest'
import { readStatements } from './index.ts'

const friday = new Date('2026-03-06T10:00:00Z')
const read = (text: string) => readStatements(text, friday)
const slots = (text: string) =>
  read(text).map(({ subject, attribute, value }) => `${subject} ${attribute}=${value}`)

/** What people write to an assistant, and what must be remembered of it. */
const stated: [text: string, ...slots: string[]][] = [
  ['My name is Tom Baker.', 'self name=tom baker'],
  ["Hi, I'm Ana. Can you help me?", 'self name=ana'],
  ['call me Max', 'self nickname=max'],
  ['We moved to Lisbon two years ago because of work.', 'self residence=lisbon'],
  ['I live in a small flat in Berlin with my two cats', 'self residence=berlin'],
  ["I'm originally from Porto but I live in Ghent now.", 'self origin=porto', 'self residence=ghent'],
  ['I work at Siemens as a data engineer.', 'self employer=siemens'],
  ["I'm a nurse, so night shifts are normal", 'self occupation=nurse'],
  ['I work as a carpenter', 'self occupation=carpenter'],
  ['I am studying marine biology', 'self study=marine biology'],
  ["I'm 34 years old", 'self age=34'],
  ['My birthday is on 3 May.', 'self birthday=3 may'],
  ['My wife is called Eva.', 'self relation wife=eva'],
  ['Yesterday my sister Ana lost her keys', 'self relation sister=ana'],
  ['My brother Tim works at Nokia', 'brother tim employer=nokia', 'self relation brother=tim'],
  ['We have a dog called Rex', 'self relation dog=rex'],
  ['I have three kids and little time', 'self count child=three'],
  ['I got divorced last year', 'self marital_status=divorced'],
  ['Just so you know, I am allergic to shellfish', 'self allergy shellfish=yes'],
  ['I have a nut allergy.', 'self allergy nut=yes'],
  ["I'm vegan", 'self diet=vegan'],
  ["I don't eat pork", 'self eats pork=no'],
  ["I can't stand cilantro", 'self likes cilantro=no'],
  [
    'I really love hiking, chess and old maps!',
    'self likes hiking=yes',
    'self likes chess=yes',
    'self likes old maps=yes',
  ],
  ['My favourite colour is teal', 'self favourite colour=teal'],
  ['I speak German and Italian', 'self speaks german=yes', 'self speaks italian=yes'],
  ['I moved to Lisbon last month, what should I see first?', 'self residence=lisbon'],
  ['Remember that I prefer metric units', 'self likes metric units=yes'],
  ['Ich heiße Ana und ich wohne in Köln.', 'self name=ana', 'self residence=köln'],
  ['Ich bin letzten Monat nach Hamburg gezogen', 'self residence=hamburg'],
  ['Meine Schwester heißt Eva.', 'self relation sister=eva'],
  ['Ich bin allergisch gegen Haselnüsse', 'self allergy haselnüsse=yes'],
  ['Ich mag keinen Koriander', 'self likes koriander=no'],
  ['Übrigens, ich bin jetzt Vegetarierin', 'self diet=vegetarian'],
  ['Ich arbeite bei Bosch', 'self employer=bosch'],
  ['Me llamo Lucía y vivo en Madrid', 'self name=lucía', 'self residence=madrid'],
  ['Soy alérgica a los cacahuetes', 'self allergy cacahuetes=yes'],
  ['No me gusta el cilantro', 'self likes cilantro=no'],
  ['Me encanta el senderismo', 'self likes senderismo=yes'],
  ["Je m'appelle Luc et j'habite à Lyon", 'self name=luc', 'self residence=lyon'],
  ['Je déteste la coriandre', 'self likes coriandre=no'],
  ['Je suis végétarienne', 'self diet=vegetarian'],
  ["J'ai deux enfants", 'self count child=deux'],
]

/** What is none of it: questions, conditions, quotations, tasks, others' words, jokes, moods, secrets, and what says nothing. */
const junk: string[] = [
  'Do I live in Berlin?',
  'Where do I live?',
  'I live in Berlin, right?',
  "What's my name?",
  'Am I allergic to nuts?',
  'If I lived in Rome, I would eat pizza every day.',
  'Suppose I work at Google.',
  'Imagine my name is Bond.',
  "Let's say I have three kids.",
  "I'd love a dog named Rex",
  'I might move to Oslo next year.',
  'Maybe I live in a simulation.',
  'I wish I lived in Paris.',
  'What if I quit my job at Acme?',
  'I could become a doctor.',
  'I am thinking about moving to Spain',
  '"I live in Paris and I love it" is what the postcard says',
  '> I am allergic to cats\nWhat does he mean?',
  'She said I live in a bubble.',
  'My boss told me I am a genius',
  'He wrote: I moved to Berlin.',
  'According to the letter I live in Rome',
  'Translate into German: I live in London and my name is Peter.',
  'Proofread this:\nMy name is Jane. I work at Apple.',
  'Write a story. I am a pirate called Jack and I live in Tortuga.',
  'Write a cover letter: I am a nurse from Ohio.',
  'Summarise the following text: My sister Eva lives in Bonn.',
  'Pretend I am a knight. My name is Lancelot.',
  '```\nconst me = "I live in Berlin"\n```',
  'Fix this sentence: I has a dog named Rex',
  'From: bob@example.org\nMy name is Bob and I live in Boston.',
  'I live in Antarctica. Just kidding!',
  'I love Mondays /s',
  'lol I hate my life',
  "I'm tired",
  "I'm fine, thanks",
  'I am a bit confused by this',
  "I'm a huge mess today",
  'I am not sure',
  'I feel like pizza',
  "I'd like a table for two",
  'I like that idea',
  'I like your answer',
  'I love it',
  'I love how you explained this',
  'I hate when it rains',
  'I want to know more about Lisbon',
  'I need help with Python',
  'I have a question',
  'I have an idea',
  'I work hard',
  'I live in hope',
  'I am from now on your only user',
  'I come in peace',
  "I'm in love with this",
  'Thanks!',
  'ok',
  'Hello there',
  'Tell me about Berlin.',
  'Berlin is the capital of Germany.',
  'My code does not compile',
  'My name is hard to spell',
  'My question is about taxes',
  'The character says her name is Ophelia',
  'In the novel I am reading the hero lives in Prague.',
  'Ada lives in Lisbon.',
  'People live in Lisbon',
  'You live in a computer',
  'You are a nurse now',
  'Your name is Gabee',
  'You said I live in Madrid',
  'My password is hunter2',
  'My card number is 4111 1111 1111 1111',
  'I use the key sk-abcdefghijklmnop1234567890',
  'My IBAN is DE89 3704 0044 0532 0130 00',
  'My social security number is 078-05-1120',
  'Mein Passwort lautet geheim123',
  'Wohne ich in Köln?',
  'Wenn ich in Rom wohnte, wäre ich froh.',
  'Ich würde gern in Rom wohnen',
  'Angenommen, ich heiße Bond',
  'Ich mag das',
  'Übersetze: Ich wohne in Berlin.',
  'Er sagt, ich wohne in Berlin',
  'Vielleicht ziehe ich nach Wien',
  'Ich bin müde',
  '¿Vivo en Madrid?',
  'Si viviera en Roma, comería pizza',
  'Me gustaría vivir en Roma',
  'Traduce: vivo en Madrid',
  'Me gusta eso',
  'Estoy cansado',
  "Est-ce que j'habite à Lyon ?",
  "Si j'habitais à Rome, je serais heureux",
  'Je voudrais habiter à Rome',
  "Traduis : j'habite à Lyon",
  "J'aime ça",
  'Je suis fatigué',
]

describe('what is read by rules', () => {
  test.each(stated)('%s', (text, ...expected) => {
    expect(slots(text)).toEqual(expect.arrayContaining(expected))
  })

  test.each(junk)('nothing of: %s', (text) => {
    expect(slots(text)).toEqual([])
  })

  test('every statement stands in the message where it says', () => {
    for (const [text] of stated) {
      for (const { start, end, content } of read(text)) {
        const said = text.slice(start, end).toLowerCase()
        const words = content
          .toLowerCase()
          .replace(/ \([^)]*\)$/, '')
          .split(' ')
        expect(words.filter((word) => !said.includes(word))).toEqual([])
      }
    }
  })

  test.each([
    ['Next Tuesday I fly to Oslo', '2026-03-10', 'Next Tuesday I fly to Oslo (2026-03-10)'],
    ['On Tuesday, I have a job interview', '2026-03-10', 'On Tuesday, I have a job interview (2026-03-10)'],
    ['I ran a marathon yesterday', '2026-03-05', 'I ran a marathon yesterday (2026-03-05)'],
    [
      'My dentist appointment is in two weeks',
      '2026-03-20',
      'My dentist appointment is in two weeks (2026-03-20)',
    ],
    ["We're getting married on 4 July 2026", '2026-07-04', "We're getting married on 4 July 2026"],
    [
      'Nächsten Dienstag fliege ich nach Oslo',
      '2026-03-10',
      'Nächsten Dienstag fliege ich nach Oslo (2026-03-10)',
    ],
    ['El próximo martes vuelo a Oslo', '2026-03-10', 'El próximo martes vuelo a Oslo (2026-03-10)'],
    ['Mardi prochain je pars à Oslo', '2026-03-10', 'Mardi prochain je pars à Oslo (2026-03-10)'],
  ])('%s: on the day that was meant', (text, day, content) => {
    const [event] = read(text)
    expect(event).toMatchObject({ type: 'event', content, validFrom: new Date(`${day}T00:00:00Z`) })
  })

  test.each([
    ['I used to live in Paris', 'residence', 'ended'],
    ['I no longer live in Paris', 'residence', 'ended'],
    ["I don't live in Paris", 'residence', 'denied'],
    ['I quit my job at Acme', 'employer', 'ended'],
    ["I'm not allergic to nuts", 'allergy nuts', 'denied'],
    ['Ich wohne nicht mehr in Köln', 'residence', 'ended'],
    ['Ya no vivo en Madrid', 'residence', 'ended'],
    ["Je n'habite plus à Lyon", 'residence', 'ended'],
  ])('%s: is no more, or never was', (text, attribute, holds) => {
    expect(read(text)).toMatchObject([{ attribute, holds }])
  })
})
