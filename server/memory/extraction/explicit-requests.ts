import { sentenceSpans } from '../../search/index.ts'

/** A request to remember or forget something. Offsets of `content` in the message are in UTF-16 code units. */
export type ExplicitRequest = {
  kind: 'remember' | 'forget'
  content: string
  start: number
  end: number
  /** ISO 639-3 */
  language: string
}

/**
 * The phrases of a language, separated by semicolons. They begin a sentence and precede the content; those of `…Last`
 * end it and follow the content. A space also matches a comma; `|` marks where the content begins, by default the end
 * of the phrase.
 */
type Phrases = {
  language: string
  /** Words that may precede a phrase. */
  openers: string
  /** Beginnings of polite requests. Other sentences that end in a question mark are not requests. */
  questionOpeners: string
  remember: string
  forget: string
  rememberLast?: string
  forgetLast?: string
}

const phrases: Phrases[] = [
  {
    language: 'eng',
    openers: `please; and; also; hey; ok; okay`,
    questionOpeners: `can you; could you; will you; would you`,
    remember: `
      remember that; remember:; remember |i; remember |my; remember |we; don't forget that;
      don't forget:; do not forget that; keep in mind that; note that; make a note that`,
    forget: `
      forget that; forget about; forget:; forget |my; forget what i said about;
      forget what i told you about; forget what you know about; forget everything about;
      forget everything you know about; stop remembering that; don't remember that; do not remember that`,
  },
  {
    language: 'deu',
    openers: `bitte; und; auch`,
    questionOpeners: `kannst du; können sie`,
    remember: `
      merk dir dass; merk dir bitte dass; merk dir:; merke dir dass; merke dir:; merken sie sich dass;
      dir merken dass; denk daran dass; vergiss nicht dass; vergiss bitte nicht dass; behalte dass`,
    forget: `
      vergiss dass; vergiss bitte dass; vergiss:; vergiss |mein; vergiss |meine; vergiss |meinen;
      vergiss alles über; vergiss was ich über; vergessen sie dass`,
  },
  {
    language: 'spa',
    openers: `por favor; y; también`,
    questionOpeners: `¿puedes; puedes; ¿podrías; podrías`,
    remember: `
      recuerda que; recuerda:; recuerde que; recordar que; acuérdate de que; acuérdate que;
      ten en cuenta que; no olvides que; no te olvides de que; anota que; apunta que`,
    forget: `
      olvida que; olvídate de que; olvida:; olvida |mi; olvida |mis; olvida lo que dije sobre;
      olvida todo lo que sabes sobre; olvida todo sobre`,
  },
  {
    language: 'fra',
    openers: `s'il te plaît; s'il vous plaît; et; aussi`,
    questionOpeners: `peux-tu; pouvez-vous`,
    remember: `
      souviens-toi que; souviens-toi qu'; souvenez-vous que; souvenez-vous qu'; rappelle-toi que;
      rappelle-toi qu'; retiens que; retiens qu'; retiens:; retenir que; te souvenir que; note que;
      n'oublie pas que; n'oublie pas qu'; n'oubliez pas que`,
    forget: `
      oublie que; oublie qu'; oublie:; oublie |mon; oublie |ma; oublie |mes; oublie ce que j'ai dit sur;
      oublie tout ce que tu sais sur; oublie tout sur; oubliez que`,
  },
  {
    language: 'por',
    openers: `por favor; e; também`,
    questionOpeners: `podes; você pode; pode`,
    remember: `
      lembra-te que; lembra-te de que; lembre-se que; lembre-se de que; lembre que; lembra que;
      lembrar que; lembra:; lembre:; não esqueças que; não te esqueças que; não te esqueças de que;
      não esqueça que; não se esqueça que; não se esqueça de que; anota que; anote que`,
    forget: `
      esquece que; esqueça que; esquece:; esquece |o meu; esquece |a minha; esqueça |o meu;
      esqueça |a minha; esquece o que eu disse sobre; esqueça o que eu disse sobre; esquece tudo sobre;
      esqueça tudo sobre`,
  },
  {
    language: 'ita',
    openers: `per favore; e; anche`,
    questionOpeners: `puoi`,
    remember: `
      ricorda che; ricordati che; ricorda:; ricordare che; si ricordi che; tieni presente che;
      tieni a mente che; non dimenticare che; annota che`,
    forget: `
      dimentica che; dimenticati che; dimentica:; dimentica |il mio; dimentica |la mia;
      dimentica quello che ho detto su; dimentica tutto su`,
  },
  {
    language: 'cmn',
    openers: `请; 請; 麻烦; 麻煩; 你`,
    questionOpeners: `你能; 你可以; 能不能`,
    remember: `记住; 記住; 记得; 記得; 别忘了; 別忘了; 不要忘记; 不要忘記`,
    forget: `忘记; 忘記; 忘掉; 忘了; 忘记关于; 忘記關於; 忘掉关于; 忘掉關於`,
  },
  {
    language: 'jpn',
    openers: ``,
    questionOpeners: ``,
    remember: `覚えておいて:; 覚えておいてください:; 覚えて:`,
    forget: `忘れて:; 忘れてください:`,
    rememberLast: `
      ことを覚えておいて; ことを覚えておいてください; ことを覚えて; ことを覚えてください; って覚えておいて; と覚えておいて; と覚えておいてください; を覚えておいて; を覚えておいてください;
      ことを忘れないで; ことを忘れないでください`,
    forgetLast: `
      ことを忘れて; ことは忘れて; ことを忘れてください; ことは忘れてください; のことは忘れて; のことは忘れてください; は忘れて; は忘れてください; を忘れて; を忘れてください`,
  },
  {
    language: 'arb',
    openers: `من فضلك; رجاء; و`,
    questionOpeners: `هل يمكنك أن; هل تستطيع أن`,
    remember: `
      تذكر أن; تذكر |أنني; تذكر |أني; تذكري أن; تتذكر أن; تذكر:; لا تنس أن; لا تنسى أن; لا تنس |أنني;
      لا تنس |أني; احفظ أن`,
    forget: `انس أن; انسى أن; انس |أنني; انس |أني; انس:; انس كل شيء عن; انس ما قلته عن`,
  },
]

/** Languages in which requests are understood without a language model, ISO 639-3. */
export const requestLanguages: string[] = phrases.map(({ language }) => language)

/** A longer sentence is a text rather than a request. Also limits the work per sentence. */
const maxSentenceCharacters = 500
const minContentCharacters = 2
/** Later sentences are probably pasted text. Splitting a message into sentences takes most of the time. */
const maxSentences = 200
const maxOpeners = 3

type Matcher = { language: string; kind: ExplicitRequest['kind']; first: RegExp; last: RegExp | undefined }

const matchers: Matcher[] = phrases.flatMap((one) =>
  (['remember', 'forget'] as const).map((kind) => {
    const openers = [one.openers, one.questionOpeners].filter((list) => list !== '').join(';')
    const opener = openers === '' ? '' : `(?:${alternatives(openers)}){0,${maxOpeners}}`
    const last = kind === 'remember' ? one.rememberLast : one.forgetLast
    return {
      language: one.language,
      kind,
      first: new RegExp(`^${opener}(?:${alternatives(one[kind])})[\\s,،，、:：]{0,5}`, 'iu'),
      last: last === undefined ? undefined : new RegExp(`、?(?:${alternatives(last)})[ねよ]?$`, 'u'),
    }
  }),
)
const questionOpeners = phrases.map((one) => one.questionOpeners).filter((list) => list !== '')
const questionOpener = new RegExp(`^(?:${alternatives(questionOpeners.join(';'))})`, 'iu')

/** Returns a pattern of phrases, the longest first. In scripts with spaces a phrase ends at a word boundary. */
function alternatives(list: string): string {
  return list
    .split(';')
    .map((phrase) => phrase.trim())
    .toSorted((a, b) => b.length - a.length)
    .map((phrase) => {
      const [before = '', after] = phrase.split('|')
      const source = (text: string) =>
        text.replaceAll(' ', '[\\s,،]{1,3}').replaceAll(':', '\\s?[:：]').replaceAll("'", "['’]")
      const boundary = /[\p{Script=Han}\p{Script=Hiragana}:']$/u.test(phrase) ? '' : '(?![\\p{L}\\p{N}])'
      const lookahead = after === undefined ? boundary : `(?=${source(after)}${boundary})`
      return `${source(before)}${lookahead}`
    })
    .map((source) => `${source}[\\s,،，]{0,3}`)
    .join('|')
}

/**
 * Finds requests to remember or forget something in the first sentences of a message. Sentences in fenced code and
 * after a line that ends in a colon (material of a task) are skipped. Takes time linear in the message.
 */
export function explicitRequests(message: string): ExplicitRequest[] {
  const sentences = sentencesOf(message).take(maxSentences).toArray()
  return sentences.flatMap(({ text, start }) => requestIn(text, start) ?? [])
}

function requestIn(sentence: string, offset: number): ExplicitRequest | undefined {
  if (sentence.length > maxSentenceCharacters) return undefined
  const isQuestion = /[?？؟]["”»]?$/u.test(sentence)
  if (isQuestion && !questionOpener.test(sentence)) return undefined
  const text = sentence.replace(/[.!?。！？؟…]{1,10}$/u, '')
  for (const { language, kind, first, last } of matchers) {
    const prefix = first.exec(text)
    const suffix = prefix ? null : last?.exec(text)
    if (!prefix && !suffix) continue
    const from = prefix ? prefix[0].length : 0
    const content = text.slice(from, suffix?.index)
    if (content.trim().length < minContentCharacters) return undefined
    const start = offset + from
    return { kind, content, start, end: start + content.length, language }
  }
  return undefined
}

type Sentence = { text: string; start: number }

/** Yields sentences without surrounding whitespace, with their offsets. */
function* sentencesOf(message: string): Generator<Sentence, void> {
  let isCode = false
  let lineStart = 0
  for (const line of message.split('\n')) {
    const trimmed = line.trim()
    if (/^(?:```|~~~)/.test(trimmed)) isCode = !isCode
    else if (!isCode && trimmed !== '') yield* sentencesOfLine(line, lineStart)
    if (trimmed.endsWith(':')) return
    lineStart += line.length + 1
  }
}

function* sentencesOfLine(line: string, offset: number): Generator<Sentence, void> {
  for (const { start, end } of sentenceSpans(line)) {
    const segment = line.slice(start, end)
    const text = segment.trim()
    if (text !== '') yield { text, start: offset + start + segment.indexOf(text) }
  }
}
