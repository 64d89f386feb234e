import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

test('delays reads together only when they are faster than one core can process', async () => {
  const pace = createPace()
  expect(pace()).toBeUndefined()
  let pause: Promise<void> | undefined
  while (pause === undefined) pause = pace()
  expect(pace()).toBe(pause)
  await pause
  expect(pace()).toBeUndefined()
})
