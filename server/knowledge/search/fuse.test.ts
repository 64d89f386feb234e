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
  const scored = (...entries: [string, number][]) => entries.map(([id, score]) => ({ ...passage(id), score }))
  /** Forty passages that are as near as everything is. */
  const crowd = scored(...Array.from({ length: 40 }, (_, i): [string, number] => [`${100 + i}`, 0.5]))

  test('what both find comes before what one finds', () => {
    const order = fuse({ passages: scored(['1', 0.4], ['2', 0.38], ['3', 0.2]), sure: 0.9 }, [
      ...scored(['2', 0.8]),
      ...crowd,
    ])
    expect(ids(order).slice(0, 3)).toEqual(['2', '1', '3'])
    expect(order[0]?.score).toBe(1)
    expect(order.map(({ score }) => score)).toEqual(order.map(({ score }) => score).toSorted((a, b) => b - a))
  })

  test('a model for which everything is alike does not disturb words that are sure', () => {
    const order = fuse({ passages: scored(['1', 0.4], ['2', 0.3], ['3', 0.2]), sure: 0.9 }, crowd)
    expect(ids(order).slice(0, 3)).toEqual(['1', '2', '3'])
  })

  test('a passage that a model takes for the question itself does not outdo words that are sure', () => {
    const order = fuse({ passages: scored(['1', 0.4], ['2', 0.2]), sure: 0.9 }, [
      ...scored(['2', 1]),
      ...crowd,
    ])
    expect(ids(order).slice(0, 2)).toEqual(['1', '2'])
  })

  test('what stands out by its meaning comes first where words find nothing that fits', () => {
    const order = fuse({ passages: scored(['1', 0.2], ['2', 0.1]), sure: 0.02 }, [
      ...scored(['7', 0.8]),
      ...crowd,
    ])
    expect(ids(order)[0]).toBe('7')
  })

  test('an arm that finds nothing changes no order', () => {
    const alone = scored(['9', 0.5], ['2', 0.4], ['7', 0.3])
    expect(ids(fuse({ passages: alone, sure: 0.5 }, []))).toEqual(['9', '2', '7'])
    expect(ids(fuse({ passages: [], sure: 0 }, alone))).toEqual(['9', '2', '7'])
    expect(fuse({ passages: [], sure: 0 }, [])).toEqual([])
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
