import { expect, test } from 'vitest'
import type { Message } from '../../../contract/messages.ts'
import { countBefore, versionOf } from './turns.ts'

const message = (id: string, siblings = [id]) => ({ id, siblings }) as Message
const lists = [
  { offset: 40, messages: ['q2', 'a2'].map((id) => message(id)) },
  { offset: 38, messages: ['q1', 'a1'].map((id) => message(id)) },
]

test('keeps all messages above a new question', () => {
  expect(countBefore({ kind: 'ask', question: 'q3' }, 42, lists)).toBe(42)
  expect(countBefore(undefined, 42, lists)).toBe(42)
})

test('replaces messages from an edited question or a regenerated answer on', () => {
  expect(countBefore({ kind: 'edit', messageId: 'q2', question: 'x' }, 42, lists)).toBe(40)
  expect(countBefore({ kind: 'regenerate', messageId: 'a1' }, 42, lists)).toBe(39)
  expect(countBefore({ kind: 'regenerate', messageId: 'unknown' }, 42, lists)).toBe(42)
})

test('finds the version of a message and the adjacent ones', () => {
  expect(versionOf(message('b', ['a', 'b', 'c']))).toEqual({
    version: 2,
    total: 3,
    previousId: 'a',
    nextId: 'c',
  })
  expect(versionOf(message('a', ['a', 'b']))).toEqual({ version: 1, total: 2, nextId: 'b' })
  expect(versionOf(message('a'))).toEqual({ version: 1, total: 1 })
})
