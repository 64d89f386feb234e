import { expect, test } from 'vitest'
import { type Box, lineBoxes } from './line-boxes.ts'

/** Returns the box of a letter, a tenth of the page wide and a twentieth high. */
const letter = (column: number, row: number): Box => ({
  left: column / 10,
  top: row / 20,
  width: 0.1,
  height: 0.05,
})
const closeTo = (box: Box) =>
  Object.fromEntries(Object.entries(box).map(([name, value]) => [name, expect.closeTo(value)]))

test('merges the letters of a line across spaces', () => {
  const boxes = [letter(1, 2), undefined, letter(3, 2), letter(1, 3)]
  expect(lineBoxes([{ from: 0, to: 4 }], (i) => boxes[i], 0.7)).toEqual([
    closeTo({ left: 0.1, top: 0.1, width: 0.3, height: 0.05 }),
    closeTo(letter(1, 3)),
  ])
})

test('keeps columns and separate spans apart', () => {
  const boxes = [letter(0, 1), letter(9, 1)]
  expect(lineBoxes([{ from: 0, to: 2 }], (i) => boxes[i], 0.7)).toHaveLength(2)
  const spans = [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
  ]
  expect(lineBoxes(spans, () => letter(0, 1), 0.7)).toHaveLength(2)
})

test('merges a superscript into its line and ignores boxes without extent', () => {
  const boxes = [
    letter(0, 1),
    { left: 0.1, top: 0.04, width: 0.02, height: 0.025 },
    { left: 0.2, top: 0, width: 0, height: 0 },
  ]
  expect(lineBoxes([{ from: 0, to: 3 }], (i) => boxes[i], 0.7)).toEqual([
    closeTo({ left: 0, top: 0.04, width: 0.12, height: 0.06 }),
  ])
})
