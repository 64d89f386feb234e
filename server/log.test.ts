import { expect, test } from 'vitest'
import { createLog } from './log.ts'

function logged(write: (log: ReturnType<typeof createLog>) => void, level = 'info') {
  const lines: string[] = []
  write(createLog(level, { write: (line) => void lines.push(line) }))
  return lines
}

test('a line is JSON with its level in words and its time in UTC', () => {
  const [line = ''] = logged((log) => log.warn({ count: 2 }, 'something happened'))
  expect(JSON.parse(line)).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    count: 2,
    msg: 'something happened',
  })
})

test('less than the level is left out', () => {
  expect(logged((log) => log.debug('detail'))).toEqual([])
  expect(logged((log) => log.debug('detail'), 'debug')).toHaveLength(1)
})

test('an error brings its cause, and not the fields in which a database quotes rows', () => {
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(ann@example.org) exists.',
  })
  const [line = ''] = logged((log) => log.error({ err: new Error('could not store', { cause }) }, 'failed'))
  expect(JSON.parse(line)).toMatchObject({
    err: { name: 'Error', message: 'could not store', cause: { message: 'duplicate key', code: '23505' } },
  })
  expect(line).toContain('log.test.ts')
  expect(line).not.toContain('ann@example.org')
})

test('secrets that get in by mistake are struck out', () => {
  const secrets = {
    token: 'hidden',
    user: { password: 'hidden' },
    upstream: { headers: { authorization: 'hidden' }, apiKey: 'hidden' },
  }
  const [line = ''] = logged((log) => log.info(secrets, 'careless'))
  expect(line).not.toContain('hidden')
})
