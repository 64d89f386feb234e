import { expect, test } from 'vitest'
import { headersOf, isHeaderParameter } from './header-parameters.ts'

test.each(['Accept-Language', 'If-Match', 'Idempotency-Key', 'X-Tenant', 'Prefer', 'X-Request-Id'])(
  'a model may fill %s',
  (name) => expect(isHeaderParameter(name)).toBe(true),
)

test.each([
  'Authorization',
  'Proxy-Authorization',
  'X-Auth-Token',
  'X-API-Key',
  'Ocp-Apim-Subscription-Key',
  'ApiKey',
  'Cookie',
  'Host',
  'Content-Length',
  'Connection',
  'TE',
  'Transfer-Encoding',
  'X-Forwarded-For',
  'X-HTTP-Method-Override',
  'X-Original-URL',
  'Origin',
  'Accept',
  'Accept-Encoding',
  'not a name',
  'a'.repeat(65),
])('a model may not fill %s', (name) => expect(isHeaderParameter(name)).toBe(false))

test('keeps the headers of the owner, and refuses invalid header values', () => {
  const names = ['X-Tenant', 'X-Key', 'Prefer']
  const given = { 'X-Tenant': 7, 'X-Key': 'theirs' }
  expect(headersOf(names, given, { 'x-key': 'own' })).toEqual({ 'x-tenant': '7' })
  for (const value of ['a\r\nHost: b', 'é', 'a'.repeat(1_001)])
    expect(() => headersOf(names, { Prefer: value }, {})).toThrow('Prefer must be')
})
