import { expect, test } from 'vitest'
import type { Document } from '../../contract/knowledge.ts'
import { type Arrangement, arrangeDocuments } from './arrange-documents.ts'

const document = (title: string, more: Partial<Document> = {}) =>
  ({ title, type: 'pdf', layer: 'public', bytes: 1, passages: 1, embedded: true, ...more }) as Document
const all = { column: 'name', isDescending: false, type: '', layer: '', state: '' } satisfies Arrangement
const titles = (documents: Document[]) => documents.map(({ title }) => title)

test('sorts names by their numbers, and equal values by name', () => {
  const documents = [
    document('b 10', { bytes: 5 }),
    document('B 9', { bytes: 5 }),
    document('a', { bytes: 9 }),
  ]
  expect(titles(arrangeDocuments(documents, all, false))).toEqual(['a', 'B 9', 'b 10'])
  const bySize = { ...all, column: 'size' } as const
  expect(titles(arrangeDocuments(documents, bySize, false))).toEqual(['B 9', 'b 10', 'a'])
  expect(titles(arrangeDocuments(documents, { ...bySize, isDescending: true }, false))).toEqual([
    'a',
    'b 10',
    'B 9',
  ])
})

test('filters by type, layer and state', () => {
  const documents = [
    document('open'),
    document('note', { type: 'md', layer: 'friends' }),
    document('empty', { passages: 0 }),
    document('new', { embedded: false }),
  ]
  const found = (filter: Partial<Arrangement>, hasEmbeddingModel = true) =>
    titles(arrangeDocuments(documents, { ...all, ...filter }, hasEmbeddingModel))
  expect(found({ type: 'md' })).toEqual(['note'])
  expect(found({ layer: 'public' })).toEqual(['empty', 'new', 'open'])
  expect(found({ state: 'no-text' })).toEqual(['empty'])
  expect(found({ state: 'keywords' })).toEqual(['new'])
  expect(found({ state: 'keywords' }, false)).toEqual([])
})
