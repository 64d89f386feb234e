import { expect, test } from 'vitest'
import { cropOf, moveFraming } from './crop.ts'

const image = { width: 400, height: 200 }
const middle = { zoom: 1, x: 0.5, y: 0.5 }

test('shows the largest square, and a smaller one when zoomed in', () => {
  expect(cropOf(image, middle)).toEqual({ left: 100, top: 0, size: 200 })
  expect(cropOf(image, { ...middle, zoom: 2 })).toEqual({ left: 150, top: 50, size: 100 })
})

test('dragging moves the image with the pointer, up to its edges', () => {
  expect(cropOf(image, moveFraming(image, middle, 0.25, 0.25))).toEqual({ left: 50, top: 0, size: 200 })
  expect(cropOf(image, moveFraming(image, middle, -9, 0))).toMatchObject({ left: 200 })
})
