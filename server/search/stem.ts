/** Snowball stemmers by ISO 639-3 code, imported on first use. */
const stemmers: Record<string, () => Promise<{ stemmer: (word: string) => string }>> = {
  arb: () => import('@orama/stemmers/arabic'),
  hye: () => import('@orama/stemmers/armenian'),
  bul: () => import('@orama/stemmers/bulgarian'),
  dan: () => import('@orama/stemmers/danish'),
  nld: () => import('@orama/stemmers/dutch'),
  eng: () => import('@orama/stemmers/english'),
  fin: () => import('@orama/stemmers/finnish'),
  fra: () => import('@orama/stemmers/french'),
  deu: () => import('@orama/stemmers/german'),
  ell: () => import('@orama/stemmers/greek'),
  hun: () => import('@orama/stemmers/hungarian'),
  hin: () => import('@orama/stemmers/indian'),
  ind: () => import('@orama/stemmers/indonesian'),
  gle: () => import('@orama/stemmers/irish'),
  ita: () => import('@orama/stemmers/italian'),
  lit: () => import('@orama/stemmers/lithuanian'),
  npi: () => import('@orama/stemmers/nepali'),
  nob: () => import('@orama/stemmers/norwegian'),
  por: () => import('@orama/stemmers/portuguese'),
  ron: () => import('@orama/stemmers/romanian'),
  rus: () => import('@orama/stemmers/russian'),
  san: () => import('@orama/stemmers/sanskrit'),
  srp: () => import('@orama/stemmers/serbian'),
  spa: () => import('@orama/stemmers/spanish'),
  swe: () => import('@orama/stemmers/swedish'),
  tam: () => import('@orama/stemmers/tamil'),
  tur: () => import('@orama/stemmers/turkish'),
  ukr: () => import('@orama/stemmers/ukrainian'),
}

/** Languages in which diacritics distinguish words. In all others they are optional and removed. */
const distinctDiacritics = new Set(['vie', 'hin', 'npi', 'san', 'tam', 'tha'])

/** The maximum number of cached stems per language, about the vocabulary of a long document. */
const maxCachedWords = 20_000

/** Maps a word to the term that is indexed: lower case, stemmed, without optional diacritics. */
export type Stemmer = (word: string) => string

const loaded = new Map<string | null, Promise<Stemmer>>()

/** Returns the stemmer of a language. For an unknown language or null it only folds case and diacritics. */
export async function stemmerFor(language: string | null): Promise<Stemmer> {
  const isKnown = language !== null && (language in stemmers || distinctDiacritics.has(language))
  const known = isKnown ? language : null
  const stemmer = loaded.get(known) ?? loadStemmer(known)
  loaded.set(known, stemmer)
  return await stemmer
}

async function loadStemmer(language: string | null): Promise<Stemmer> {
  const load = language === null ? undefined : stemmers[language]
  const stem = load ? (await load()).stemmer : undefined
  const lowerCase = (word: string) => (language === 'tur' ? word.toLocaleLowerCase('tr') : word.toLowerCase())
  const fold =
    language !== null && distinctDiacritics.has(language) ? (word: string) => word : withoutDiacritics
  const cache = new Map<string, string>()
  return (word) => {
    const cached = cache.get(word)
    if (cached !== undefined) return cached
    const lower = lowerCase(word)
    const term = fold(stem && /^\D{3,40}$/u.test(lower) ? stem(lower) || lower : lower)
    if (cache.size === maxCachedWords) cache.clear()
    cache.set(word, term)
    return term
  }
}

const ascii = /^[\x00-\x7f]*$/

/**
 * Maps résumé to resume, ё to е, ß to ss, ø to o. Vowel signs of other scripts are kept, because they are part of the
 * word.
 */
function withoutDiacritics(word: string): string {
  if (ascii.test(word)) return word
  return word
    .normalize('NFD')
    .replace(
      /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+|[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0640]/gu,
      '',
    )
    .normalize('NFC')
    .replaceAll('ß', 'ss')
    .replaceAll('ø', 'o')
    .replaceAll('ł', 'l')
    .replaceAll('đ', 'd')
    .replaceAll('ı', 'i')
    .replaceAll('æ', 'ae')
    .replaceAll('œ', 'oe')
    .replaceAll('ς', 'σ')
}
