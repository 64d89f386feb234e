import { expect, test } from 'vitest'
import type { Message } from '../../../contract/chat.ts'
import { messagesBefore, versionOf } from './turns.ts'

const message = (id: string, siblings = [id]) => ({ id, siblings }) as Message
const thread = ['q1', 'a1', 'q2', 'a2'].map((id) => message(id))
const ids = (messages: Message[]): string[] => messages.map(({ id }) => id)

test('a new question stands below everything', () => {
  expect(messagesBefore(thread, { kind: 'ask', question: 'q3' })).toBe(thread)
  expect(messagesBefore(thread, undefined)).toBe(thread)
})

test('an edited question and a repeated answer replace what follows', () => {
  expect(ids(messagesBefore(thread, { kind: 'edit', messageId: 'q2', question: 'x' }))).toEqual(['q1', 'a1'])
  expect(ids(messagesBefore(thread, { kind: 'regenerate', messageId: 'a2' }))).toEqual(['q1', 'a1', 'q2'])
  expect(ids(messagesBefore(thread, { kind: 'regenerate', messageId: 'gone' }))).toEqual(ids(thread))
})

test('a message knows its neighbours among its alternatives', () => {
  expect(versionOf(message('b', ['a', 'b', 'c']))).toEqual({ place: 2, of: 3, before: 'a', after: 'c' })
  expect(versionOf(message('a', ['a', 'b']))).toEqual({ place: 1, of: 2, after: 'b' })
  expect(versionOf(message('a'))).toEqual({ place: 1, of: 1 })
})
