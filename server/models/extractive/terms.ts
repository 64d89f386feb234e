import { stemmer as english } from '@orama/stemmers/english'
import { stemmer as french } from '@orama/stemmers/french'
import { stemmer as german } from '@orama/stemmers/german'
import { stemmer as italian } from '@orama/stemmers/italian'
import { stemmer as portuguese } from '@orama/stemmers/portuguese'
import { stemmer as spanish } from '@orama/stemmers/spanish'
import { isFunctionWord, type Language } from './language.ts'

const stemmers: Partial<Record<Language, (word: string) => string>> = {
  en: english,
  fr: french,
  de: german,
  it: italian,
  pt: portuguese,
  es: spanish,
}

const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const runs = /[\p{L}\p{M}\p{N}]+(?:[.,:/-]\p{N}+)*/gu

/** Extracts lower-case, stemmed terms; scripts without spaces give character bigrams. */
export function extractTerms(text: string, language: Language | undefined): string[] {
  const terms: string[] = []
  for (const [run] of text.normalize('NFKC').toLowerCase().matchAll(runs)) {
    if (unspaced.test(run)) {
      const characters = [...run]
      if (characters.length === 1) terms.push(run)
      for (let i = 0; i + 1 < characters.length; i++) terms.push(`${characters[i]}${characters[i + 1]}`)
    } else {
      terms.push(stem(run, language))
    }
  }
  return terms
}

/** Extracts the terms of a question without stop words, or all terms if nothing else is left. */
export function extractContentTerms(text: string, language: Language | undefined): string[] {
  const words: string[] = []
  for (const [run] of text.normalize('NFKC').toLowerCase().matchAll(runs)) {
    if (unspaced.test(run))
      words.push(...extractTerms(run, language).filter((pair) => !isFunctionWord(pair, language)))
    else if (!isFunctionWord(run, language)) words.push(stem(run, language))
  }
  return [...new Set(words.length > 0 ? words : extractTerms(text, language))]
}

function stem(word: string, language: Language | undefined): string {
  if (/\p{N}/u.test(word)) return word.replaceAll(/(?<=\d),(?=\d{3}\b)/g, '')
  const stemmer = language && stemmers[language]
  if (stemmer) return stemmer(word)
  // Approximates stemming for languages without a stemmer, whose inflections are mostly suffixes.
  return word.length > 6 ? word.slice(0, Math.max(5, Math.ceil(word.length * 0.7))) : word
}
