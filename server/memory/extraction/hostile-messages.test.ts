import { describe, expect, test } from 'vitest'
import { findPeriod } from '../dates.ts'
import { explicitRequests } from './explicit-requests.ts'
import { findQuotation } from './quotation.ts'
import { containsSecret } from './secrets.ts'

const characters = 32_000
const fill = (part: string): string => part.repeat(Math.ceil(characters / part.length)).slice(0, characters)

const hostile: [name: string, part: string][] = [
  ['one letter', 'a'],
  ['spaces', ' '],
  ['digits', '1'],
  ['spaced digits', '1 '],
  ['letters and full stops', 'a.'],
  ['hyphens', 'a-'],
  ['beginnings of tokens', '-eyJabcdefgh'],
  ['beginnings of keys', 'sk-'],
  ['beginnings of URLs', 'a+b://c:'],
  ['names of secrets', 'password '],
  ['unspaced names of secrets', '密码'],
  ['beginnings of IBANs', 'DE89 '],
  ['openers', 'please and '],
  ['requests', 'remember that '],
  ['requests at sentence starts', 'Remember that I ski. '],
  ['lines', 'forget\n'],
  ['short sentences on lines', '.\n'],
  ['commas', ', '],
  ['exclamation marks', '!'],
  ['dates', 'next friday in 2 '],
]

describe.each(hostile)('a message of 32,000 characters: %s', (_, part) => {
  const text = fill(part)

  test('is processed to the end', () => {
    expect(explicitRequests(`Remember that I ski.\n${text}`)[0]?.content).toBe('I ski')
    expect(containsSecret(`${text}\nMy password is hunter`)).toBe(true)
    expect(typeof containsSecret(text)).toBe('boolean')
    expect(findQuotation(`${text}\nzebra`, 'zebra')?.start).toBe(text.length + 1)
    findPeriod(text, new Date(), { languages: ['eng', 'deu', 'spa', 'fra'], prefer: 'past' })
  })
})
