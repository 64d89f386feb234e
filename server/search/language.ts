import { francAll } from 'franc'
import { frequentWordsOf, idfOfRank } from './frequent-words.ts'

/** ISO 639-3 codes of the languages with a stemmer, and of frequent ones that would otherwise be mistaken for these. */
const languages =
  `arb bul dan deu ell eng fin fra gle hin hun hye ind ita lit nld nob npi por ron rus san spa srp swe tam tur ukr
  ces cmn heb jpn kor pes pol tha vie`.split(/\s+/)

/** Letters that a long enough text in the language contains, unlike texts in similar languages. */
const requiredLetters: Record<string, RegExp> = { srp: /[јљњћџђćčžš]/iu, ukr: /[іїєґ]/iu }

const minLetters = 50
const minLettersUnspaced = 20
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]{4}/u
const sampleCharacters = 700
/**
 * Languages whose letter statistics score at least this share of the best are compared by their words too. Of 1,800
 * short texts (questions, three labels of the page) in five languages, 11 in 100 are misjudged, and 36 by letters
 * alone.
 */
const minRelativeScore = 0.5
/**
 * The minimum number of frequent words in a short text, besides half of its words, as a single one may belong to
 * another language.
 */
const minFrequentWords = 2

/**
 * Detects the language of a text, as an ISO 639-3 code; returns null for unknown languages. For a long text, the
 * majority of its beginning, middle and end decides. Among languages with similar letter statistics, the share of a
 * short text's words that are frequent in the language counts as much. For a text of less than 50 letters (20 in
 * scripts without spaces), the script decides, or `usual`, or the number of frequent words.
 */
export function detectLanguage(text: string, usual: () => string | null = () => null): string | null {
  if (text.length <= 3 * sampleCharacters) return detect(text, usual)
  const starts = [0, (text.length - sampleCharacters) / 2, text.length - sampleCharacters].map(Math.floor)
  const detected: string[] = []
  for (const start of starts) {
    const code = detect(text.slice(start, start + sampleCharacters), usual)
    if (code !== null && detected.includes(code)) return code
    if (code !== null) detected.push(code)
  }
  return detected[0] ?? null
}

function detect(text: string, usual: () => string | null): string | null {
  const letters = text
    .replace(/[^\p{L}\p{M}\s'’-]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  const isShort = letters.length < (unspaced.test(letters) ? minLettersUnspaced : minLetters)
  const known = isShort ? (detectByScript(letters) ?? usual()) : null
  if (known !== null) return known
  const only = languages.filter((language) => requiredLetters[language]?.test(letters) ?? true)
  const minScore = letters.length < sampleCharacters / 2 ? minRelativeScore : 1
  const similar = francAll(letters, { only, minLength: 1 }).filter(([, score]) => score >= minScore)
  const words = wordsOf(letters)
  const wordWeight = isShort ? 1 : 1 / words.length
  const [best] = similar
    .map(([language, score]) => {
      const count = countFrequentWords(words, language)
      return { language, count, score: score + wordWeight * count }
    })
    .sort((a, b) => b.score - a.score)
  if (
    !best ||
    best.language === 'und' ||
    (isShort && best.count < Math.max(minFrequentWords, words.length / 2))
  )
    return null
  return best.language
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []

const countFrequentWords = (words: string[], language: string): number =>
  words.filter((word) => frequentWordsOf(language)?.has(word)).length

/**
 * Detects the language of a question about texts in `languages`: the one in which its words are most frequent, or any
 * other language if less than half of them are frequent in it. The more frequent a word is, the more it counts, because
 * the less frequent ones of a list belong to other languages too.
 */
export function detectQuestionLanguage(question: string, languages: (string | null)[]): string | null {
  const words = wordsOf(question.slice(0, sampleCharacters))
  const [best] = languages
    .map((language) => {
      const ranks = language === null ? undefined : frequentWordsOf(language)
      const found = words.flatMap((word) => ranks?.get(word) ?? [])
      return { language, count: found.length, score: sum(found.map((rank) => 1 - idfOfRank(rank))) }
    })
    .sort((a, b) => b.score - a.score)
  return best && best.count > 0 && best.count >= words.length / 2 ? best.language : detectLanguage(question)
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)

/** Scripts that identify the language of a short text. Kana come first, because Japanese also uses Han characters. */
const scripts: [RegExp, string][] = [
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, 'jpn'],
  [/\p{Script=Hangul}/u, 'kor'],
  [/\p{Script=Thai}/u, 'tha'],
  [/\p{Script=Han}/u, 'cmn'],
]

const detectByScript = (letters: string): string | null =>
  scripts.find(([script]) => script.test(letters))?.[1] ?? null
