import type { TokenizerExtension, Tokens } from 'marked'

/** TeX in a block of its own. */
type MathToken = { type: 'math'; raw: string; text: string }
/** TeX within a line. */
type InlineMath = { type: 'inlineMath'; raw: string; text: string; isDisplay: boolean }
type Footnote = { type: 'footnote'; raw: string; label: string; tokens: Tokens.Generic[] }
type FootnoteReference = { type: 'footnoteReference'; raw: string; label: string }
export type ExtraToken = MathToken | InlineMath | Footnote | FootnoteReference

/** One of several groups of a match. */
const firstGroup = (match: RegExpExecArray): string =>
  match.slice(1).find((group) => group !== undefined) ?? ''

/** Text without a blank line, as short as possible. */
const lines = String.raw`((?:(?!\n[ \t]*\n)[^])+?)`
const mathBlock = new RegExp(String.raw`^ {0,3}(?:\\\[${lines}\\\]|\$\$${lines}\$\$)[ \t]*(?:\n|$)`)
const inlineMath = /^(?:\\\(([^]+?)\\\)|\\\[([^]+?)\\\]|\$\$([^$]+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$(?!\d))/
/** Amounts of money and brackets in prose are not formulas. */
const looksLikeMath = /[\\^_={}<>+*/]|^[A-Za-z]$/

const footnote =
  /^ {0,3}\[\^([^\]\s]{1,40})\]:[ \t]+([^\n]+(?:\n(?![ \t]*(?:\n|$)| {0,3}\[\^[^\]\s]{1,40}\]:)[^\n]+)*)(?:\n|$)/
const footnoteReference = /^\[\^([^\]\s]{1,40})\](?!\()/

/** Returns where a line of the paragraph at the start of a text matches. */
const lineStart = (source: string, line: RegExp): number | undefined => {
  const paragraph = source.split(/\n[ \t]*\n/, 1)[0] ?? ''
  const index = paragraph.search(line)
  return index === -1 ? undefined : index
}

/** TeX between `\[ \]`, `$$ $$`, `\( \)` and `$ $`, and footnotes. */
export const extensions: TokenizerExtension[] = [
  {
    name: 'math',
    level: 'block',
    start: (source) => lineStart(source, /(?<=\n) {0,3}(?:\\\[|\$\$)/),
    tokenizer: (source): MathToken | undefined => {
      const match = mathBlock.exec(source)
      return match ? { type: 'math', raw: match[0], text: firstGroup(match) } : undefined
    },
  },
  {
    name: 'inlineMath',
    level: 'inline',
    start: (source) => source.match(/\$|\\[([]/)?.index,
    tokenizer: (source, tokens): InlineMath | undefined => {
      const match = inlineMath.exec(source)
      if (!match || /\w$/.test(tokens.at(-1)?.raw ?? '')) return undefined
      const text = firstGroup(match)
      if (!match[0].startsWith('\\(') && !looksLikeMath.test(text)) return undefined
      return {
        type: 'inlineMath',
        raw: match[0],
        text,
        isDisplay: match[0].startsWith('\\[') || match[0].startsWith('$$'),
      }
    },
  },
  {
    name: 'footnote',
    level: 'block',
    start: (source) => lineStart(source, /(?<=\n) {0,3}\[\^[^\]\s]{1,40}\]:/),
    tokenizer(source): Footnote | undefined {
      const match = footnote.exec(source)
      if (!match) return undefined
      const [raw, label = '', text = ''] = match
      return { type: 'footnote', raw, label, tokens: this.lexer.inlineTokens(text) }
    },
  },
  {
    name: 'footnoteReference',
    level: 'inline',
    start: (source) => source.match(/\[\^/)?.index,
    tokenizer: (source): FootnoteReference | undefined => {
      const match = footnoteReference.exec(source)
      return match ? { type: 'footnoteReference', raw: match[0], label: match[1] ?? '' } : undefined
    },
  },
]
