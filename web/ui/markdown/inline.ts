/** A part of a text, or a reference to citations: `[1]`, `[2, 3]`. */
export type InlinePart =
  | { type: 'text'; text: string }
  | { type: 'citations'; numbers: number[]; text: string }

const references = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g

/** Splits a text at its references. Numbers that `known` does not contain stay text. */
export function splitAtReferences(text: string, isKnown: (n: number) => boolean): InlinePart[] {
  const parts: InlinePart[] = []
  let start = 0
  for (const match of text.matchAll(references)) {
    const numbers = (match[1] ?? '').split(',').map(Number)
    if (!numbers.every(isKnown)) continue
    if (match.index > start) parts.push({ type: 'text', text: text.slice(start, match.index) })
    parts.push({ type: 'citations', numbers, text: match[0] })
    start = match.index + match[0].length
  }
  if (start < text.length) parts.push({ type: 'text', text: text.slice(start) })
  return parts
}

/** Splits a text before its last word, which must stay on one line with the reference that follows. */
export function splitLastWord(text: string): [before: string, word: string] {
  const word = /\S*\s*$/.exec(text)?.[0] ?? ''
  return word.length > 24 ? [text, ''] : [text.slice(0, text.length - word.length), word.trimEnd()]
}

const safeProtocols = ['http:', 'https:', 'mailto:', 'tel:']

/** Returns the URL of a safe link, or undefined for scripts, data URLs and links within this site. */
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

/** Decodes HTML entities; unknown ones stay unchanged. */
export const unescapeEntities = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]+));/g, (all, decimal, hex, name) => {
        if (name) return named[String(name)] ?? all
        const code = decimal ? Number(decimal) : Number.parseInt(String(hex), 16)
        return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
      })
    : text
