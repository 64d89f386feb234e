import { expect, test } from 'vitest'
import { findPassage } from './find-passage.ts'

const page = 'A heading\n\nThe mill (built 1742)\nstands by the river. The mill stands.'

test('prefers the stored range over an earlier occurrence of the same text', () => {
  const start = page.lastIndexOf('The mill')
  expect(findPassage(page, { start, end: start + 8, text: 'The mill' })).toEqual({ start, end: start + 8 })
})

test('finds a passage that has moved, ignoring white space', () => {
  expect(findPassage(page, { start: 0, end: 9, text: 'stands by' })).toEqual({ start: 33, end: 42 })
  expect(findPassage(page, { start: 0, end: 5, text: 'The mill (built 1742) stands' })).toEqual({
    start: 11,
    end: 39,
  })
})

test('returns undefined for text that is not on the page', () => {
  expect(findPassage(page, { start: 0, end: 4, text: 'The barn' })).toBeUndefined()
  expect(findPassage(page, { start: 90, end: 95, text: '' })).toBeUndefined()
})
