import { franc } from 'franc'

/** Languages with a stemmer, and those that are often met and would otherwise be taken for one of them; ISO 639-3. */
const languages =
  `arb bul dan deu ell eng fin fra gle hin hun hye ind ita lit nld nob npi por ron rus san spa srp swe tam tur
  ukr ces cmn heb jpn kor pes pol tha vie`.split(/\s+/)

const shortest = 50
const sampleLength = 700

/**
 * The language of a text as an ISO 639-3 code, or null when it is shorter than 50 characters (unspaced scripts: 20)
 * or has no language that is known here. A long text is judged by its beginning, its middle and its end together.
 */
export function languageOf(text: string): string | null {
  const sample = text.length > 3 * sampleLength ? samples(text) : text
  const letters = sample
    .replace(/[^\p{L}\p{M}\s'’-]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  const unspaced =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]{4}/u.test(letters)
  if (letters.length < (unspaced ? 20 : shortest)) return null
  const code = franc(letters, { only: languages })
  return code === 'und' ? null : code
}

const samples = (text: string) =>
  [0, Math.floor((text.length - sampleLength) / 2), text.length - sampleLength]
    .map((start) => text.slice(start, start + sampleLength))
    .join(' ')
