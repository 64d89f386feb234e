import { Marked, type MarkedToken } from 'marked'
import { type ExtraToken, extensions } from './extensions.ts'

/** A block of a text: a paragraph, a list, fenced code. Unchanged blocks keep their identity. */
export type MarkdownToken = MarkedToken | ExtraToken
export type Block = { raw: string; token: MarkdownToken }

/**
 * The number of last blocks that may still change: a list grows, or a line of dashes turns a paragraph into a heading.
 */
const openBlocks = 2

/**
 * Parses the blocks of a growing text. Parses only its tail again: all previous blocks except the last two are final.
 * A text that does not begin with the previous one is parsed from its start.
 */
export function extendBlocks(previous: readonly Block[], text: string): Block[] {
  const final = finalBlocks(previous)
  const start = final.reduce((sum, block) => sum + block.raw.length, 0)
  const source = normalise(text)
  if (!beginsWith(final, source)) return parseBlocks(source)
  const tail = parseBlocks(source.slice(start)).map((block, i) => {
    const before = previous[final.length + i]
    return before?.raw === block.raw && before.token.type === block.token.type ? before : block
  })
  return [...final, ...tail]
}

const parser = new Marked({ gfm: true, extensions })

/** Parses all blocks of a complete text. */
export const parseBlocks = (text: string): Block[] =>
  parser.lexer(normalise(text)).map((token) => ({ raw: token.raw, token: token as MarkdownToken }))

const normalise = (text: string): string => text.replace(/\r\n?/g, '\n')

function finalBlocks(blocks: readonly Block[]): Block[] {
  let open = 0
  let end = blocks.length
  while (end > 0 && open < openBlocks) {
    end -= 1
    if (blocks[end]?.token.type !== 'space') open += 1
  }
  return blocks.slice(0, end)
}

function beginsWith(blocks: readonly Block[], text: string): boolean {
  let at = 0
  for (const { raw } of blocks) {
    if (!text.startsWith(raw, at)) return false
    at += raw.length
  }
  return true
}
