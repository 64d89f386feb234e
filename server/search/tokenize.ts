/**
 * A text as the index sees it: its words in order.
 *
 * `part` words are what blanks part; `whole` ones are added where several parts belong together
 * (GPT-4o, AB-123/45, foo_bar, camelCase), so that they are found as one and by their parts; `letter` ones are the
 * single characters of unspaced scripts, which only a text gets, not a question.
 * `pair` words are two neighbouring characters of such a script.
 */
export type Word = { text: string; kind: 'part' | 'pair' | 'whole' | 'letter' }

/** Scripts that set no blanks between words: a run is taken as overlapping pairs of characters. */
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
const unspaced = unspacedScripts.map((script) => `\\p{Script_Extensions=${script}}`).join('')

const pattern = new RegExp(
  [
    `(?<run>(?:(?=[\\p{L}\\p{M}\\p{Nl}])[${unspaced}])+)`,
    `(?<compound>(?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}])+(?:[-_./'@+:&,\\u2010\\u2011](?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}])+)*)`,
  ].join('|'),
  'gu',
)
const segment = /[\p{L}\p{M}\p{N}]+/gu
const digits = /^\p{Nd}+$/u
const grouped = /^\p{Nd}{1,3}([,.'])\p{Nd}{3}(?:\1\p{Nd}{3})*(?:[,.]\p{Nd}+)?$/u
const decimal = /^\p{Nd}+[,.]\p{Nd}+$/u
/** Where camelCase and letters next to digits part: fooBar, HTTPServer, v2beta. */
const humps =
  /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=[\p{L}\p{M}]{2})(?=\p{Nd})|(?<=\p{Nd})(?=\p{L}{2})/u
const longest = 64

/** The words of a text in their order, case kept. */
export function* tokenize(text: string): Generator<Word> {
  for (const match of text.normalize('NFKC').replace(/[’‘ʼ]/g, "'").matchAll(pattern)) {
    const run = match.groups?.['run']
    if (run === undefined) yield* compound(match[0])
    else yield* pairs([...run])
  }
}

function* pairs(letters: string[]): Generator<Word> {
  const [only, second] = letters
  if (only !== undefined && second === undefined) yield { text: only, kind: 'part' }
  else {
    for (const [i, letter] of letters.entries()) {
      const next = letters[i + 1]
      if (next !== undefined) yield { text: letter + next, kind: 'pair' }
      yield { text: letter, kind: 'letter' }
    }
  }
}

function* compound(text: string): Generator<Word> {
  const number = asNumber(text)
  if (number !== undefined) return void (yield { text: number, kind: 'part' })
  // A comma joins figures only; between words it ends one.
  for (const piece of text.split(/(?<!\p{Nd}),|,(?!\p{Nd})/u)) {
    const segments = piece.match(segment) ?? []
    const parts = segments.flatMap((part) => part.split(humps))
    for (const part of parts) yield { text: part, kind: 'part' }
    if (parts.length === 1 || piece.includes("'")) continue
    const whole = segments.join('')
    if (whole.length <= longest) yield { text: whole, kind: 'whole' }
  }
}

/** 1,577 and 1.577 as 1577, 36,8 as 36.8; undefined for what is no number. */
function asNumber(text: string): string | undefined {
  if (digits.test(text)) return text
  const group = grouped.exec(text)
  if (group) {
    const separator = group[1] ?? ','
    return text.replaceAll(separator, '').replace(',', '.')
  }
  return decimal.test(text) ? text.replace(',', '.') : undefined
}
