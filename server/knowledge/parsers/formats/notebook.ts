import { z } from 'zod'
import type { ParsedPage } from '../document.ts'
import { decodeText } from '../encoding.ts'
import { corrupt, tooManyPages } from '../errors.ts'
import type { Parser } from '../parser.ts'
import { headingsOfMarkdown } from './markdown.ts'

const lines = z.union([z.string(), z.array(z.string()).transform((parts) => parts.join(''))])
const output = z.object({
  text: lines.optional(),
  data: z.object({ 'text/plain': lines.optional(), 'text/markdown': lines.optional() }).optional(),
  ename: z.string().optional(),
  evalue: z.string().optional(),
})
const cell = z.object({
  cell_type: z.string(),
  /** Called `input` before version 4 of the format. */
  source: lines.optional(),
  input: lines.optional(),
  outputs: z.array(output).optional(),
})
const cells = z.array(cell)
/** https://nbformat.readthedocs.io/en/latest/format_description.html */
const notebook = z.object({
  metadata: z.object({ language_info: z.object({ name: z.string() }).optional() }).optional(),
  cells: cells.optional(),
  worksheets: z.array(z.object({ cells })).optional(),
})

/** Longer outputs are usually logs or data. */
const maxOutputCharacters = 2_000

/**
 * Parses Jupyter notebooks: text cells as Markdown, code and its outputs as code blocks. A page is one or more text cells
 * with the code below them; its number is that of its first cell.
 */
export const parseNotebook: Parser = async ({ bytes, limits, textBudget }) => {
  const { metadata, ...content } = notebookOf(decodeText(await bytes()))
  const language = metadata?.language_info?.name ?? ''
  const pages: ParsedPage[] = []
  let isAfterCode = false
  for (const [i, each] of (
    content.cells ??
    content.worksheets?.flatMap((sheet) => sheet.cells) ??
    []
  ).entries()) {
    const isCode = each.cell_type === 'code'
    const source = (each.source ?? each.input ?? '').trim()
    const outputs = isCode ? (each.outputs ?? []).map(outputText) : []
    const text = [isCode ? codeBlock(source, language) : source, ...outputs.map((block) => codeBlock(block))]
      .filter((part) => part !== '')
      .join('\n\n')
    if (text === '') continue
    textBudget.take(text.length + 2)
    const page = pages.at(-1)
    if (page && (isCode || !isAfterCode)) page.text += `\n\n${text}`
    else pages.push({ page: i + 1, text, headings: [] })
    isAfterCode = isCode
  }
  if (pages.length > limits.pages) throw tooManyPages(pages.length, limits)
  return {
    title: null,
    paged: true,
    pages: pages.map((page) => ({ ...page, headings: headingsOfMarkdown(page.text) })),
  }
}

function notebookOf(text: string): z.infer<typeof notebook> {
  try {
    return notebook.parse(JSON.parse(text))
  } catch {
    throw corrupt('its cells cannot be read')
  }
}

function outputText({ text, data, ename, evalue }: z.infer<typeof output>): string {
  const shown = text ?? data?.['text/markdown'] ?? data?.['text/plain']
  return (shown ?? [ename, evalue].filter(Boolean).join(': ')).trim().slice(0, maxOutputCharacters)
}

const codeBlock = (code: string, language = '') => (code === '' ? '' : `\`\`\`${language}\n${code}\n\`\`\``)
