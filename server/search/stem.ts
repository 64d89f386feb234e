/** Stemmers, fetched when a text of their language is first met; keys are ISO 639-3. */
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

/** Languages in which a mark makes another word, not another spelling of the same. */
const marksMatter = new Set(['vie', 'hin', 'npi', 'san', 'tam', 'tha'])

/** Turns a word into the form that is compared: case folded, stemmed, and written without the marks people leave out. */
export type Normalise = (word: string) => string

/** How words of a language are compared. An unknown or absent language folds case and marks only. */
export async function stemmerFor(language: string | null): Promise<Normalise> {
  const load = language === null ? undefined : stemmers[language]
  const stem = load ? (await load()).stemmer : undefined
  const lower = (word: string) => (language === 'tur' ? word.toLocaleLowerCase('tr') : word.toLowerCase())
  const fold = language !== null && marksMatter.has(language) ? (word: string) => word : withoutMarks
  const known = new Map<string, string>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const folded = lower(word)
    const form = fold(stem && /^\D{3,40}$/u.test(folded) ? stem(folded) || folded : folded)
    if (known.size > 50_000) known.clear()
    known.set(word, form)
    return form
  }
}

const ascii = /^[\x00-\x7f]*$/

/** résumé as resume, Ärger as arger, ё as е; ß as ss, ø as o. Marks of scripts that write vowels with them stay. */
function withoutMarks(word: string): string {
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
