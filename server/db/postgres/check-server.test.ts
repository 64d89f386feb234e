import { describe, expect, test } from 'vitest'
import { AppError } from '../../errors.ts'
import { createLog } from '../../log.ts'
import { openDatabase } from '../open.ts'
import { findProblem, type ServerFacts } from './check-server.ts'

const good: ServerFacts = {
  version: 150_004,
  installed: '0.8.0',
  available: '0.8.0',
  database: 'gabee',
  canCreate: false,
}

describe('a PostgreSQL server', () => {
  test.each<[string, Partial<ServerFacts>, string | undefined]>([
    ['with pgvector is accepted', {}, undefined],
    ['whose user can create the extension is accepted', { installed: null, canCreate: true }, undefined],
    ['of PostgreSQL 14 is rejected', { version: 140_011 }, 'database_too_old'],
    ['without pgvector is rejected', { installed: null, available: null }, 'pgvector_missing'],
    ['with pgvector 0.6 is rejected', { installed: '0.6.2' }, 'pgvector_too_old'],
    [
      'that only offers pgvector 0.5 is rejected',
      { installed: null, available: '0.5.1', canCreate: true },
      'pgvector_too_old',
    ],
    ['whose user cannot create the extension is rejected', { installed: null }, 'pgvector_forbidden'],
  ])('%s', (_, facts, code) => {
    expect(findProblem({ ...good, ...facts })?.code).toBe(code)
  })

  test('without pgvector is rejected with the package to install for its version', () => {
    expect(findProblem({ ...good, version: 170_002, installed: null, available: null })?.message).toContain(
      'postgresql-17-pgvector',
    )
  })

  test('that cannot be reached is reported without its password', async () => {
    const url = 'postgres://me:secret@127.0.0.1:9/gabee'
    const opening = openDatabase({ url, dir: '', log: createLog('silent') })
    const error = await opening.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({ status: 503, code: 'database_unreachable' })
    expect(String(error)).toContain('127.0.0.1:9/gabee')
    expect(String(error)).toContain('ECONNREFUSED')
    expect(String(error)).not.toContain('secret')
  })
})
