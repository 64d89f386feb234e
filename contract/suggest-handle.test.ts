import { expect, test } from 'vitest'
import { suggestHandle } from './suggest-handle.ts'

test.each([
  ['Ada Lovelace', 'ada-lovelace'],
  ['  Émile Große! ', 'emile-grosse'],
  ['Dr. 99', 'dr-99'],
  ['世界', ''],
  ['a'.repeat(40), 'a'.repeat(30)],
])('%s gets the handle %s', (name, handle) => {
  expect(suggestHandle(name)).toBe(handle)
})
