import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sanitizeFilename } from './uploads.ts'

test.each([
  ['report.pdf', 'report.pdf'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\ann\\report.pdf', 'report.pdf'],
  ['a\u0000b\nc.txt', 'abc.txt'],
  ['invoice\u202efdp.exe', 'invoicefdp.exe'],
  ['  two   words .txt ', 'two words .txt'],
  ['文書.pdf', '文書.pdf'],
  ['.', ''],
  ['..', ''],
  ['folder/', ''],
  ['.gitignore', '.gitignore'],
])('%j is shown as %j', (given, shown) => expect(sanitizeFilename(given)).toBe(shown))

test('returns a short name on one line without a path for any input', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (given) => {
      const name = sanitizeFilename(given)
      expect([...name].length).toBeLessThanOrEqual(200)
      expect(name).not.toMatch(/[/\\\p{Cc}]/u)
      expect(name).not.toMatch(/^\.{1,2}$/)
    }),
  )
})
