import { describe, expect, test } from 'vitest'
import type { RankedPassage } from '../store/search.ts'
import { withoutNearDuplicates } from './near-duplicates.ts'

const passage = (id: string, text = `text ${id}`): RankedPassage => ({
  id,
  createdAt: new Date(0),
  aveeId: '',
  version: '1',
  documentId: 'document',
  title: 'Title',
  filename: null,
  layer: 'public',
  n: Number(id),
  page: null,
  start: 0,
  end: 0,
  heading: null,
  language: null,
  text,
  score: 99,
})
const ids = (passages: RankedPassage[]) => passages.map(({ id }) => id)

describe('withoutNearDuplicates', () => {
  const text = 'The keeper writes down every ship that passes the cape, with its flag and course.'

  test('drops a repeated text, whatever its whitespace, punctuation and case', () => {
    const kept = withoutNearDuplicates(
      [
        passage('1', text),
        passage('2', text.toUpperCase()),
        passage('3', `${text} — `),
        passage('4', 'Else.'),
      ],
      10,
    )
    expect(ids(kept)).toEqual(['1', '4'])
  })

  test('keeps a similar text, also in a script without spaces', () => {
    const other = text.replace('keeper', 'harbourmaster').replace('ship', 'whale').replace('flag', 'wake')
    expect(withoutNearDuplicates([passage('1', text), passage('2', other)], 10)).toHaveLength(2)
    expect(
      withoutNearDuplicates([passage('1', '村口种着一棵樟树'), passage('2', '村口有一座石桥')], 10),
    ).toHaveLength(2)
  })

  test('returns at most the limit', () => {
    const many = Array.from({ length: 9 }, (_, i) => passage(`${i}`, `${'abcdefghi'[i]}`.repeat(9)))
    expect(ids(withoutNearDuplicates(many, 4))).toEqual(['0', '1', '2', '3'])
  })
})
