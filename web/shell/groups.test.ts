import { expect, test } from 'vitest'
import type { Conversation } from '../../contract/conversations.ts'
import { groupByTime } from './groups.ts'

const at = (id: string, updated: Date, pinned = false) =>
  ({ id, updated_at: updated.toISOString(), pinned }) as Conversation

test('groups conversations by time, pinned ones first', () => {
  const now = new Date(2026, 2, 15, 0, 30)
  const groups = groupByTime(
    [
      at('pinned', new Date(2025, 0, 1), true),
      at('now', new Date(2026, 2, 15, 0, 10)),
      at('an hour ago', new Date(2026, 2, 14, 23, 30)),
      at('this week', new Date(2026, 2, 10)),
      at('this month', new Date(2026, 1, 20)),
      at('long ago', new Date(2025, 10, 3)),
      at('as long ago', new Date(2025, 10, 1)),
    ],
    now,
  )
  expect(groups.map((group) => [group.title, group.conversations.map((one) => one.id)])).toEqual([
    ['Pinned', ['pinned']],
    ['Today', ['now']],
    ['Yesterday', ['an hour ago']],
    ['Last 7 days', ['this week']],
    ['Last 30 days', ['this month']],
    ['November 2025', ['long ago', 'as long ago']],
  ])
})
