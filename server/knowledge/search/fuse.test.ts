import { describe, expect, test } from 'vitest'
import type { FoundPassage } from '../store/search.ts'
import { fuse, withoutRepeats } from './fuse.ts'

const passage = (id: string, text = `text ${id}`): FoundPassage => ({
  id,
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
  text,
  score: 99,
})
const ids = (passages: FoundPassage[]) => passages.map(({ id }) => id)

describe('rankings as one', () => {
  test('what both arms find comes before what one finds', () => {
    const order = fuse([
      { passages: ['1', '2', '3'].map((id) => passage(id)), weight: 1 },
      { passages: ['4', '3', '5'].map((id) => passage(id)), weight: 1 },
    ])
    expect(ids(order)).toEqual(['3', '1', '4', '2', '5'])
    expect(order[0]?.score).toBe(1)
    expect(order.map(({ score }) => score)).toEqual(order.map(({ score }) => score).toSorted((a, b) => b - a))
  })

  test('an arm that finds nothing changes no order', () => {
    const alone = ['9', '2', '7'].map((id) => passage(id))
    expect(
      ids(
        fuse([
          { passages: alone, weight: 1 },
          { passages: [], weight: 1 },
        ]),
      ),
    ).toEqual(['9', '2', '7'])
    expect(fuse([{ passages: [], weight: 1 }])).toEqual([])
  })
})

describe('repeats', () => {
  const text = 'The keeper writes down every ship that passes the cape, with its flag and course.'

  test('a text that is there already is dropped, whatever its blanks, signs and case', () => {
    const kept = withoutRepeats(
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

  test('a text that only resembles it stays, also without blanks', () => {
    const other = text.replace('keeper', 'harbourmaster').replace('ship', 'whale').replace('flag', 'wake')
    expect(withoutRepeats([passage('1', text), passage('2', other)], 10)).toHaveLength(2)
    expect(
      withoutRepeats([passage('1', '村口种着一棵樟树'), passage('2', '村口有一座石桥')], 10),
    ).toHaveLength(2)
  })

  test('no more are given than asked for', () => {
    const many = Array.from({ length: 9 }, (_, i) => passage(`${i}`, `${'abcdefghi'[i]}`.repeat(9)))
    expect(ids(withoutRepeats(many, 4))).toEqual(['0', '1', '2', '3'])
  })
})
