import { globSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { ApiError, unreachable } from '../../client/index.ts'
import { errorText, errorTexts, throwTranslated } from './error-texts.ts'

vi.mock('../languages/index.ts', () => ({
  currentLanguage: () => 'de',
  message: (text: string) => text,
  t: (text: string) => `de: ${text}`,
}))

const textOf = (error: ApiError) => {
  expect(() => throwTranslated(error)).toThrow(error)
  return error.message
}

test('translates errors with a known code, and keeps the server’s message of others', () => {
  expect(textOf(new ApiError(422, 'memory_off', 'Memory is off.'))).toBe('de: Memory is off for this avee.')
  expect(textOf(new ApiError(422, 'invalid_layer', 'The field is wrong.'))).toBe('The field is wrong.')
  expect(errorText({ code: 'toString', message: 'Odd.' })).toBe('Odd.')
  const details = [{ path: 'password', problem: 'Too common.', code: 'common_password' }]
  expect(textOf(new ApiError(422, 'invalid_fields', 'Too common.', { details }))).toContain(
    'most common ones',
  )
})

test('distinguishes an unreachable server from a service that the server cannot reach', () => {
  expect(textOf(unreachable())).toContain('The server is unreachable.')
  expect(textOf(new ApiError(502, 'unreachable', 'Ollama does not answer.'))).toContain(
    'The service is not responding',
  )
})

test('contains only codes that the server sends', () => {
  const sources = globSync('server/**/*.ts').map((file) => readFileSync(file, 'utf8'))
  const unknown = Object.keys(errorTexts).filter(
    (code) => !sources.some((text) => text.includes(`'${code}'`)),
  )
  expect(unknown).toEqual([])
})
