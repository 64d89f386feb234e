/**
 * A token of a text:
 *
 * - `word`: separated by whitespace and punctuation.
 * - `compound`: several words that belong together (GPT-4o, AB-123/45, foo_bar, camelCase). It follows its words, so that a text is found both by the compound and by its parts.
 * - `bigram`: two neighbouring characters of a script that is written without spaces.
 * - `character`: a single character of such a script. Texts are indexed with them; queries ignore them.
 */
export type Token = { text: string; kind: 'word' | 'compound' | 'bigram' | 'character' }

/** ISO 15924 codes of the scripts that are written without spaces and are therefore split into bigrams. */
const unspacedScripts = [
  'Han',
  'Hira',
  'Kana',
  'Hang',
  'Bopo',
  'Thai',
  'Laoo',
  'Khmr',
  'Mymr',
  'Tibt',
  'Yiii',
]
const unspacedLetters = unspacedScripts.map((script) => `\\p{Script_Extensions=${script}}`).join('')
/** Matches a letter of such a script. */
export const unspaced = new RegExp(`(?=[\\p{L}\\p{M}\\p{Nl}])[${unspacedLetters}]`, 'u')

/** A run of letters without spaces, as the first group, or a word. */
const pattern = new RegExp(
  [
    `((?:(?=[\\p{L}\\p{M}\\p{Nl}])[${unspacedLetters}])+)`,
    `(?:(?![${unspacedLetters}])[\\p{L}\\p{M}\\p{N}])+(?:[-_./'@+:&,\\u2010\\u2011](?:(?![${unspacedLetters}])[\\p{L}\\p{M}\\p{N}])+)*`,
  ].join('|'),
  'gu',
)
const alphanumeric = /[\p{L}\p{M}\p{N}]+/gu
/** Matches most words. The code below has the same result for them, but takes ten times as long. */
const plainWord = /^\p{Lu}?\p{Ll}+$/u
const integer = /^\p{Nd}+$/u
const groupedNumber = /^\p{Nd}{1,3}([,.'])\p{Nd}{3}(?:\1\p{Nd}{3})*(?:[,.]\p{Nd}+)?$/u
const decimalNumber = /^\p{Nd}+[,.]\p{Nd}+$/u
/** Boundaries within camelCase and between letters and digits: foo|Bar, HTTP|Server, v2|beta. */
const caseBoundary =
  /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=[\p{L}\p{M}]{2})(?=\p{Nd})|(?<=\p{Nd})(?=\p{L}{2})/u
/** Longer compounds (base64, paths) are indexed by their words only. */
const maxCompoundLength = 64

/** Splits a text into tokens, in order and with their case, after NFKC normalization. */
export function* tokenize(text: string): Generator<Token> {
  for (const match of text.normalize('NFKC').replace(/[’‘ʼ]/g, "'").matchAll(pattern)) {
    const [text, run] = match
    if (plainWord.test(text)) yield { text, kind: 'word' }
    else if (run === undefined) yield* wordsOf(text)
    else yield* bigramsOf([...run])
  }
}

function* bigramsOf(characters: string[]): Generator<Token> {
  const [only, second] = characters
  if (only !== undefined && second === undefined) return void (yield { text: only, kind: 'word' })
  for (const [i, character] of characters.entries()) {
    const next = characters[i + 1]
    if (next !== undefined) yield { text: character + next, kind: 'bigram' }
    yield { text: character, kind: 'character' }
  }
}

function* wordsOf(text: string): Generator<Token> {
  const number = canonicalNumber(text)
  if (number !== undefined) return void (yield { text: number, kind: 'word' })
  // A comma joins digits only; between words it is punctuation.
  for (const piece of text.split(/(?<!\p{Nd}),|,(?!\p{Nd})/u)) {
    const segments = piece.match(alphanumeric) ?? []
    const words = segments.flatMap((segment) => segment.split(caseBoundary))
    for (const word of words) yield { text: word, kind: 'word' }
    if (words.length === 1 || piece.includes("'")) continue
    const compound = segments.join('')
    if (compound.length <= maxCompoundLength) yield { text: compound, kind: 'compound' }
  }
}

/** Returns 1577 for 1,577 and 1.577, 36.8 for 36,8; undefined if the text is not a number. */
function canonicalNumber(text: string): string | undefined {
  if (integer.test(text)) return text
  const grouped = groupedNumber.exec(text)
  if (grouped) return text.replaceAll(grouped[1] ?? ',', '').replace(',', '.')
  return decimalNumber.test(text) ? text.replace(',', '.') : undefined
}
