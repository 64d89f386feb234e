import type { ParsedHeading } from '../document.ts'
import { decodeText } from '../encoding.ts'
import type { Parser } from '../parser.ts'
import { frontMatterTitle, headingsOfMarkdown, headingsOfPlainText } from './markdown.ts'

const noHeadings = (): ParsedHeading[] => []

const asText =
  (headingsOf: (text: string) => ParsedHeading[], prepare = (text: string) => text): Parser =>
  async ({ bytes, textBudget }) => {
    const text = prepare(decodeText(await bytes()))
    textBudget.take(text.length)
    return {
      title: frontMatterTitle(text),
      paged: false,
      pages: [{ page: 1, text, headings: headingsOf(text) }],
    }
  }

/** Parses Markdown: the text unchanged, with its headings. */
export const parseMarkdown = asText(headingsOfMarkdown)
export const parsePlainText = asText(headingsOfPlainText)
/** Parses source code, logs and settings: the text without colours, without headings. */
export const parseCode = asText(noHeadings, withoutTerminalColours)
/** Parses JSON, with escaped letters unescaped; a value on one very long line is split into lines. */
export const parseJson = asText(noHeadings, (text) => reformatJson(unescapeLetters(text)))

// biome-ignore lint: the pattern matches a control character
const terminalColour = /\u001b\[[\d;]*m/g

function withoutTerminalColours(text: string): string {
  return text.replace(terminalColour, '')
}

/** Replaces the escapes of characters beyond ASCII, which many programs write for all letters with accents. */
function unescapeLetters(text: string): string {
  return text.replace(/\\(?:u([\da-fA-F]{4})|.)/g, (escape, code: string | undefined) =>
    code !== undefined && Number.parseInt(code, 16) > lastControlCharacter
      ? String.fromCharCode(Number.parseInt(code, 16))
      : escape,
  )
}

const lastControlCharacter = 0x9f
const longLine = 2_000

function reformatJson(text: string): string {
  const trimmed = text.trim()
  if (
    trimmed.length < longLine ||
    trimmed.split('\n', 100).some((line) => line.length < longLine && line !== '')
  )
    return text
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 1)
  } catch {
    return text
  }
}
