import { afterEach, expect } from 'vitest'

const output: string[] = []
console.error = (...values: unknown[]) => void output.push(values.map(String).join(' '))

// A test that writes to console.error fails.
afterEach(() => {
  expect(output.splice(0), 'written to console.error').toEqual([])
})
