import { expect, test } from 'vitest'
import { findNewestLeaf } from './tree.ts'

test('finds the newest leaf below a message', () => {
  const nodes = [
    { id: 'q1', parentId: null },
    { id: 'a1', parentId: 'q1' },
    { id: 'q2', parentId: 'a1' },
    { id: 'a2', parentId: 'q2' },
    { id: 'a1b', parentId: 'q1' },
    { id: 'a2b', parentId: 'q2' },
  ]
  expect(findNewestLeaf(nodes, 'a1')).toBe('a2b')
  expect(findNewestLeaf(nodes, 'a1b')).toBe('a1b')
  expect(findNewestLeaf(nodes, 'q1')).toBe('a1b')
})
