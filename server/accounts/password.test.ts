import { expect, test } from 'vitest'
import { createPasswordHasher, defaultHashParameters } from './password.ts'

const quick = { memory: 64, passes: 1, parallelism: 1 }

test('hashes with argon2id, recommended parameters and a random salt', async () => {
  const { hash } = createPasswordHasher()
  const [first, second] = await Promise.all([hash('a good password'), hash('a good password')])
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(second).not.toBe(first)
  expect(defaultHashParameters).toEqual({ memory: 19_456, passes: 2, parallelism: 1 })
})

test('distinguishes the right password from wrong ones', async () => {
  const made = createPasswordHasher(quick)
  const stored = await made.hash('a good password')
  expect(await made.verify('a good password', stored)).toBe('right')
  for (const wrong of ['a good passwore', 'A good password', 'a good password ', '']) {
    expect(await made.verify(wrong, stored)).toBe('wrong')
  }
})

test('verifies hashes of other implementations', async () => {
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  expect(await createPasswordHasher().verify('password', known)).toBe('outdated')
  expect(await createPasswordHasher().verify('Password', known)).toBe('wrong')
})

test('reports a hash with other parameters as outdated', async () => {
  const stored = await createPasswordHasher(quick).hash('a good password')
  expect(await createPasswordHasher({ ...quick, passes: 2 }).verify('a good password', stored)).toBe(
    'outdated',
  )
})

test('treats composed and decomposed characters alike', async () => {
  const { hash, verify } = createPasswordHasher(quick)
  const typed = 'caf\u00e9 m\u00fcnchen'
  const stored = await hash(typed.normalize('NFD'))
  expect(await verify(typed.normalize('NFC'), stored)).toBe('right')
})

test.each([
  null,
  '',
  'plain text',
  '$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA',
  '$2b$10$abcdefghijklmnopqrstuv',
])('rejects any password for the stored value %s', async (stored) => {
  expect(await createPasswordHasher(quick).verify('plain text', stored)).toBe('wrong')
})

test('queues hashes and returns 503 when the queue is full', async () => {
  const { hash } = createPasswordHasher(quick)
  const outcomes = await Promise.allSettled(Array.from({ length: 150 }, async () => await hash('x')))
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused).toHaveLength(48)
  for (const { reason } of refused) expect(reason).toMatchObject({ status: 503, code: 'busy', retryAfter: 5 })
  await expect(hash('afterwards')).resolves.toContain('$argon2id$')
})
