import { franc } from 'franc'

/** Languages with a stemmer, and those that are often met and would otherwise be taken for one of them; ISO 639-3. */
const languages =
  `arb bul dan deu ell eng fin fra gle hin hun hye ind ita lit nld nob npi por ron rus san spa srp swe tam tur ukr
  ces cmn heb jpn kor pes pol tha vie`.split(/\s+/)

/** Letters without which a text of some length is not in the language, however alike its neighbour is. */
const ownLetters: Record<string, RegExp> = { srp: /[јљњђћџđćčžš]/iu, ukr: /[іїєґ]/iu }

const shortest = 50
const shortestUnspaced = 20
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]{4}/u
const sampleLength = 700

/**
 * The language of a text as an ISO 639-3 code, or null when it is shorter than 50 letters (scripts without blanks: 20)
 * or none that is known here. A long text is judged by its beginning, its middle and its end: two of them decide.
 */
export function detectLanguage(text: string): string | null {
  if (text.length <= 3 * sampleLength) return guess(text)
  const places = [0, (text.length - sampleLength) / 2, text.length - sampleLength].map(Math.floor)
  const guesses = places
    .map((start) => guess(text.slice(start, start + sampleLength)))
    .filter((code) => code !== null)
  return guesses.find((code, i) => guesses.indexOf(code) !== i) ?? guesses[0] ?? null
}

function guess(text: string): string | null {
  const letters = text
    .replace(/[^\p{L}\p{M}\s'’-]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  if (letters.length < (unspaced.test(letters) ? shortestUnspaced : shortest)) return null
  const code = franc(letters, {
    only: languages.filter((language) => ownLetters[language]?.test(letters) ?? true),
  })
  return code === 'und' ? null : code
}
