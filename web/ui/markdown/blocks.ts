import { Lexer, type MarkedToken } from 'marked'

/** One block of a text: a paragraph, a list, a fenced code. The same object as long as it stays the same. */
export type Block = { raw: string; token: MarkedToken }

/** What may still become part of the block before it: a list goes on, a line of dashes makes a heading. */
const openBlocks = 2

/**
 * The blocks of a growing text. Only the tail is read again: of the blocks so far, all but the last two are settled.
 * A text that does not begin with the former one is read anew.
 */
export function growBlocks(former: readonly Block[], text: string): Block[] {
  const settled = settledBlocks(former)
  const start = settled.reduce((sum, block) => sum + block.raw.length, 0)
  const source = normalise(text)
  if (!sameStart(settled, source)) return readBlocks(source)
  const tail = readBlocks(source.slice(start)).map((block, i) => {
    const before = former[settled.length + i]
    return before?.raw === block.raw && before.token.type === block.token.type ? before : block
  })
  return [...settled, ...tail]
}

/** All blocks of a text, read at once. */
export const readBlocks = (text: string): Block[] =>
  new Lexer({ gfm: true })
    .lex(normalise(text))
    .map((token) => ({ raw: token.raw, token: token as MarkedToken }))

const normalise = (text: string): string => text.replace(/\r\n?/g, '\n')

function settledBlocks(blocks: readonly Block[]): Block[] {
  let open = 0
  let end = blocks.length
  while (end > 0 && open < openBlocks) {
    end -= 1
    if (blocks[end]?.token.type !== 'space') open += 1
  }
  return blocks.slice(0, end)
}

function sameStart(blocks: readonly Block[], text: string): boolean {
  let at = 0
  for (const { raw } of blocks) {
    if (!text.startsWith(raw, at)) return false
    at += raw.length
  }
  return true
}
