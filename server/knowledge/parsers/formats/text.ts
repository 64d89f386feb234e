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
/** Parses source code, logs and settings: the text unchanged, without headings. */
export const parseCode = asText(noHeadings)
/** Parses JSON; a value on one very long line is split into lines. */
export const parseJson = asText(noHeadings, reformatJson)

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
