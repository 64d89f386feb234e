/** A stretch of text, or a reference to citations: `[1]`, `[2, 3]`. */
export type Stretch = { type: 'text'; text: string } | { type: 'citations'; numbers: number[]; text: string }

const references = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g

/** Cuts a text at its references. Numbers above `known` stay text; while the answer is written, `known` is open. */
export function cutAtReferences(text: string, isKnown: (n: number) => boolean): Stretch[] {
  const stretches: Stretch[] = []
  let at = 0
  for (const match of text.matchAll(references)) {
    const numbers = (match[1] ?? '').split(',').map(Number)
    if (!numbers.every(isKnown)) continue
    if (match.index > at) stretches.push({ type: 'text', text: text.slice(at, match.index) })
    stretches.push({ type: 'citations', numbers, text: match[0] })
    at = match.index + match[0].length
  }
  if (at < text.length) stretches.push({ type: 'text', text: text.slice(at) })
  return stretches
}

/** A text cut before its last word, which must stay on one line with the reference after it. */
export function cutLastWord(text: string): [before: string, word: string] {
  const word = /\S*\s*$/.exec(text)?.[0] ?? ''
  return word.length > 24 ? [text, ''] : [text.slice(0, text.length - word.length), word.trimEnd()]
}

const safeProtocols = ['http:', 'https:', 'mailto:', 'tel:']

/** The address of a link that may be followed, or undefined: no scripts, no data, nothing within this site. */
export function safeAddress(href: string): string | undefined {
  try {
    const url = new URL(href)
    return safeProtocols.includes(url.protocol) ? url.href : undefined
  } catch {
    return undefined
  }
}

const named: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  deg: '°',
  plusmn: '±',
  times: '×',
  middot: '·',
  bull: '•',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  rarr: '→',
  larr: '←',
  euro: '€',
  sect: '§',
}

/** The characters that entities stand for; an unknown entity stays as it is written. */
export const unescapeEntities = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]+));/g, (all, decimal, hex, name) => {
        if (name) return named[String(name)] ?? all
        const code = decimal ? Number(decimal) : Number.parseInt(String(hex), 16)
        return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
      })
    : text
