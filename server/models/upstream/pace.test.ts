import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

test('pauses reads together when they come faster than one core can pass them on, and only then', async () => {
  const pace = createPace()
  expect(pace()).toBeUndefined()
  let pause: Promise<void> | undefined
  while (pause === undefined) pause = pace()
  expect(pace()).toBe(pause)
  await pause
  expect(pace()).toBeUndefined()
})
