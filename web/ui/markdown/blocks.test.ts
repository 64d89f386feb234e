import { expect, test } from 'vitest'
import { type Block, extendBlocks, parseBlocks } from './blocks.ts'

const texts = {
  paragraphs: 'One line\nand its second.\n\nAnother *with* emphasis.\n\n\nA third.',
  lists:
    'Before:\n\n- one\n- two\n  - deep\n  - deeper\n\n- three, loose\n\n  with a paragraph\n\nAfter.\n\n1. a\n2. b\n\n   c\n3) d',
  quotes: '> first\n> second\n\n> third\nlazy line\n\nText.\n\n> - a list\n>   in it\n\nEnd',
  'setext headings': 'Title\n=====\n\nText\nmore\n---\n\nFoo\n\n---\n\nBar',
  headings: '# One\n## Two\nText\n### Three #\n\n#### Four',
  'fenced code': 'Look:\n\n```ts\nconst a = 1\n\n\n- not a list\n```\n\nand\n~~~\nopen `` ` ``\n\nfor ever',
  'indented code': 'Text\n\n    code\n\n    more code\n\nText\n    not code',
  tables: 'A table:\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |\nnot a row?\n\nEnd\n\n| no | table |\n',
  html: '<div>\n\nText in *it*\n\n</div>\n\n<!-- note\n\nstill --> after\n\n<b>x</b> y',
  'odd line ends': 'a\r\nb\r\n\r\n- c\r\n- d\r\n\r\nend\r',
  math: 'A sum:\n\\[\na^2 + b^2\n= c^2\n\\]\nand\n\n$$\nx\n$$\n\n\\[ open\n\n- list\n\nEnd $$ y',
  footnotes: 'Text[^1] and[^b].\n\n[^1]: One.\n[^b]: Two\ncontinued.\n\nEnd\n[^1]: again\n',
  rules: '***\n---\n___\n\n* * *\ntext\n***',
} satisfies Record<string, string>

const raws = (blocks: Block[]): string[] => blocks.map((block) => `${block.token.type}: ${block.raw}`)

test.each(Object.entries(texts))('parses %s letter by letter into the same blocks as at once', (_, text) => {
  let blocks: Block[] = []
  for (let length = 1; length <= text.length; length += 1) {
    const prefix = text.slice(0, length)
    blocks = extendBlocks(blocks, prefix)
    expect(raws(blocks)).toEqual(raws(parseBlocks(prefix)))
  }
})

test('keeps the identity of finished blocks', () => {
  const first = extendBlocks([], 'One.\n\nTwo.\n\nThree.\n\nFour')
  const second = extendBlocks(first, 'One.\n\nTwo.\n\nThree.\n\nFour goes on.\n\nFive')
  expect(second[0]).toBe(first[0])
  expect(second[2]).toBe(first[2])
  expect(second.at(-1)?.raw).toBe('Five')
})

test('parses another text from its start', () => {
  const first = extendBlocks([], 'One.\n\nTwo.\n\nThree.\n\nFour')
  expect(raws(extendBlocks(first, 'Else.\n\nTwo.'))).toEqual(raws(parseBlocks('Else.\n\nTwo.')))
  expect(extendBlocks(first, '')).toEqual([])
})
