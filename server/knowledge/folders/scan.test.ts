import { expect, test } from 'vitest'
import { diffScan } from './scan.ts'

const file = (path: string, bytes = 1, modifiedMs = 1) => ({ path, bytes, modifiedMs })
const known = new Map(['a.md', 'b.md', 'part/c.md', 'parting.md'].map((path) => [path, file(path)]))

test('what is new or different has changed, what is no longer there is gone', () => {
  const files = [file('a.md'), file('b.md', 2), file('parting.md', 1, 2), file('new.md')]
  const { changed, gone } = diffScan(known, { files, unread: [], isWhole: true })
  expect(changed.map(({ path }) => path)).toEqual(['b.md', 'parting.md', 'new.md'])
  expect(gone).toEqual(['part/c.md'])
})

test('of what could not be looked at nothing is said to be gone', () => {
  const gone = (unread: string[], isWhole = true) =>
    diffScan(known, { files: [file('a.md')], unread, isWhole }).gone
  expect(gone(['part', 'b.md'])).toEqual(['parting.md'])
  expect(gone([], false)).toEqual([])
})
