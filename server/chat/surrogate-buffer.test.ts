import { expect, test } from 'vitest'
import { surrogateBuffer } from './surrogate-buffer.ts'

const buffered = (...pieces: string[]) => {
  const buffer = surrogateBuffer()
  return [...pieces.map((piece) => buffer.add(piece)), buffer.end()]
}

test('joins a character that is split between two pieces', () => {
  expect(buffered('a\ud83d', '\ude00b')).toEqual(['a', '😀b', ''])
})

test('replaces an unpaired surrogate', () => {
  expect(buffered('a\ud83d', 'b', 'c\ud83d')).toEqual(['a', '\ufffdb', 'c', '\ufffd'])
})
