import { franc } from 'franc'

/** ISO 639-3 codes of the languages with a stemmer, and of frequent ones that would otherwise be mistaken for these. */
const languages =
  `arb bul dan deu ell eng fin fra gle hin hun hye ind ita lit nld nob npi por ron rus san spa srp swe tam tur ukr
  ces cmn heb jpn kor pes pol tha vie`.split(/\s+/)

/** Letters that a text of sufficient length contains if it is in the language; they tell it from its neighbours. */
const requiredLetters: Record<string, RegExp> = { srp: /[јљњћџђćčžš]/iu, ukr: /[іїєґ]/iu }

const minLetters = 50
const minLettersUnspaced = 20
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]{4}/u
const sampleCharacters = 700

/**
 * Detects the language of a text, as an ISO 639-3 code. Returns null for a text of less than 50 letters (20 in scripts
 * without spaces) and for unknown languages. For a long text, the majority of its beginning, middle and end decides.
 */
export function detectLanguage(text: string): string | null {
  if (text.length <= 3 * sampleCharacters) return detect(text)
  const starts = [0, (text.length - sampleCharacters) / 2, text.length - sampleCharacters].map(Math.floor)
  const detected = starts
    .map((start) => detect(text.slice(start, start + sampleCharacters)))
    .filter((code) => code !== null)
  return detected.find((code, i) => detected.indexOf(code) !== i) ?? detected[0] ?? null
}

function detect(text: string): string | null {
  const letters = text
    .replace(/[^\p{L}\p{M}\s'’-]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  if (letters.length < (unspaced.test(letters) ? minLettersUnspaced : minLetters)) return null
  const code = franc(letters, {
    only: languages.filter((language) => requiredLetters[language]?.test(letters) ?? true),
  })
  return code === 'und' ? null : code
}
