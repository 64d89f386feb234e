import { expect, test } from 'vitest'
import { placeOf } from './place-of.ts'

test.each([
  [null, 'Page 75'],
  ['report.pdf', 'Page 75'],
  ['Talk.PPTX', 'Slide 75'],
  ['inbox.mbox', 'Message 75'],
  ['rain.ipynb', 'Cell 75'],
  ['film.srt', '1:14:00'],
])('names the place of a passage in the unit of the format: %s', (filename, place) => {
  expect(placeOf({ filename, page: 75 })).toBe(place)
})
