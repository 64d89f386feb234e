import { franc } from 'franc'
import { stopWordLanguages, stopWordsOf } from './stop-words.ts'

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
 * Detects the language of a text, as an ISO 639-3 code; returns null for unknown languages. For a long text, the majority
 * of its beginning, middle and end decides. A text of less than 50 letters (20 in scripts without spaces) is too short
 * for letter statistics: its script decides, or the one language that has most of its stop words.
 */
export function detectLanguage(text: string, usual: string | null = null): string | null {
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

function detect(text: string, usual: string | null): string | null {
  const letters = text
    .replace(/[^\p{L}\p{M}\s'’-]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  if (letters.length < (unspaced.test(letters) ? minLettersUnspaced : minLetters))
    return detectByScript(letters) ?? usual ?? detectByStopWords(letters)
  const code = franc(letters, {
    only: languages.filter((language) => requiredLetters[language]?.test(letters) ?? true),
  })
  return code === 'und' ? null : code
}

/** Scripts that identify the language of a short text. Kana come first, because Japanese uses Han characters too. */
const scripts: [RegExp, string][] = [
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, 'jpn'],
  [/\p{Script=Hangul}/u, 'kor'],
  [/\p{Script=Thai}/u, 'tha'],
  [/\p{Script=Han}/u, 'cmn'],
]

const detectByScript = (letters: string): string | null =>
  scripts.find(([script]) => script.test(letters))?.[1] ?? null

/** One stop word may be a word of another language. */
const minStopWords = 2

function detectByStopWords(letters: string): string | null {
  const words = letters.toLowerCase().split(' ')
  const counts = stopWordLanguages
    .map((language) => ({ language, count: words.filter((word) => stopWordsOf(language).has(word)).length }))
    .sort((a, b) => b.count - a.count)
  const [best, second] = counts
  return best && second && best.count >= minStopWords && best.count > second.count ? best.language : null
}
