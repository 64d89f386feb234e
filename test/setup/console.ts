import { afterEach, expect } from 'vitest'

const said: string[] = []
console.error = (...words: unknown[]) => void said.push(words.map(String).join(' '))

// What is written to console.error is a fault that nobody has looked at.
afterEach(() => {
  expect(said.splice(0), 'written to console.error').toEqual([])
})
