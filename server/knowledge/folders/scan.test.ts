import { expect, test } from 'vitest'
import { diffScan } from './scan.ts'

const file = (path: string, bytes = 1, modifiedMs = 1) => ({ path, bytes, modifiedMs })
const known = new Map(['a.md', 'b.md', 'part/c.md', 'parting.md'].map((path) => [path, file(path)]))

test('lists new and modified files as changed and missing files as gone', () => {
  const files = [file('a.md'), file('b.md', 2), file('parting.md', 1, 2), file('new.md')]
  const { changed, gone } = diffScan(known, { files, unknown: [], isComplete: true })
  expect(changed.map(({ path }) => path)).toEqual(['b.md', 'parting.md', 'new.md'])
  expect(gone).toEqual(['part/c.md'])
})

test('does not list files of unknown state as gone', () => {
  const gone = (unknown: string[], isComplete = true) =>
    diffScan(known, { files: [file('a.md')], unknown, isComplete }).gone
  expect(gone(['part', 'b.md'])).toEqual(['parting.md'])
  expect(gone([], false)).toEqual([])
})
