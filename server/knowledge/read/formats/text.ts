import type { ReadHeading } from '../document.ts'
import { decodeText } from '../encoding.ts'
import type { Format } from '../format.ts'
import { frontMatterTitle, headingsOfMarkdown, headingsOfPlainText } from './markdown.ts'

const noHeadings = (): ReadHeading[] => []

const asText =
  (headingsOf: (text: string) => ReadHeading[], prepare = (text: string) => text): Format =>
  async ({ bytes, spent }) => {
    const text = prepare(decodeText(await bytes()))
    spent.take(text.length)
    return {
      title: frontMatterTitle(text),
      paged: false,
      pages: [{ page: 1, text, headings: headingsOf(text) }],
    }
  }

/** Markdown as it was written, with its headings. */
export const readMarkdown = asText(headingsOfMarkdown)
export const readPlainText = asText(headingsOfPlainText)
/** Source code, logs, settings: as they are. */
export const readCode = asText(noHeadings)
/** JSON; a value on one endless line is broken into lines. */
export const readJson = asText(noHeadings, spreadOut)

const longLine = 2_000

function spreadOut(text: string): string {
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
