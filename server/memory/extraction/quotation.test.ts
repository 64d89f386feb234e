import { expect, test } from 'vitest'
import { findQuotation } from './quotation.ts'

const quoted = (text: string, quotation: string): string | undefined => {
  const place = findQuotation(text, quotation)
  return place && text.slice(place.start, place.end)
}

test.each([
  ['I live in Rome.', 'I live in Rome', 'I live in Rome'],
  ['Well, I  live\n in Rome', 'i live in rome', 'I  live\n in Rome'],
  ["I'm “Ana”", 'I’m "Ana"', "I'm “Ana”"],
  ['I am Ana', '"I am Ana"', 'I am Ana'],
  ['İstanbul’da yaşıyorum.', "istanbul'da yaşıyorum", undefined],
  ['Mieszkam w Krakowie', 'w Krakowie', 'w Krakowie'],
  ['I live in Rome', 'I live in Paris', undefined],
  ['I live in Rome', ' ', undefined],
])('%s contains %s', (text, quotation, found) => expect(quoted(text, quotation)).toBe(found))
