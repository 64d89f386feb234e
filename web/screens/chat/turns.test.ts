import { expect, test } from 'vitest'
import type { Message } from '../../../contract/chat.ts'
import { messagesBefore, versionOf } from './turns.ts'

const message = (id: string, siblings = [id]) => ({ id, siblings }) as Message
const thread = ['q1', 'a1', 'q2', 'a2'].map((id) => message(id))
const ids = (messages: Message[]): string[] => messages.map(({ id }) => id)

test('keeps all messages above a new question', () => {
  expect(messagesBefore(thread, { kind: 'ask', question: 'q3' })).toBe(thread)
  expect(messagesBefore(thread, undefined)).toBe(thread)
})

test('replaces messages from an edited question or a regenerated answer on', () => {
  expect(ids(messagesBefore(thread, { kind: 'edit', messageId: 'q2', question: 'x' }))).toEqual(['q1', 'a1'])
  expect(ids(messagesBefore(thread, { kind: 'regenerate', messageId: 'a2' }))).toEqual(['q1', 'a1', 'q2'])
  expect(ids(messagesBefore(thread, { kind: 'regenerate', messageId: 'unknown' }))).toEqual(ids(thread))
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
