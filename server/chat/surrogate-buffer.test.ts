import { expect, test } from 'vitest'
import { surrogateBuffer } from './surrogate-buffer.ts'

const through = (...pieces: string[]) => {
  const whole = surrogateBuffer()
  return [...pieces.map((piece) => whole.add(piece)), whole.end()]
}

test('a character that is cut between two pieces is put together', () => {
  expect(through('a\ud83d', '\ude00b')).toEqual(['a', '😀b', ''])
})

test('half a character is told as the store keeps it', () => {
  expect(through('a\ud83d', 'b', 'c\ud83d')).toEqual(['a', '\ufffdb', 'c', '\ufffd'])
})
