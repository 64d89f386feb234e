import { expect, test } from 'vitest'
import { AppError } from './errors.ts'

test('an error message has one line, whatever it quotes', () => {
  const message = 'The model a\r\nSet-Cookie: b\u2028\0is missing.'
  expect(new AppError(404, 'model_not_found', message).message).toBe('The model a Set-Cookie: b is missing.')
})
