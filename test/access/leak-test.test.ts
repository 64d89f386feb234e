import { expect, test } from 'vitest'
import { findLeaks } from '../../server/cli/leak-test/find-leaks.ts'
import { createTestDatabase, ONE_DATABASE } from '../databases.ts'

test.each(ONE_DATABASE)(
  'no caller reads anything above its layer or of another user, on %s',
  async (kind) => {
    await using database = await createTestDatabase(kind)
    const { leaks, callers, routes, probes } = await findLeaks(database.settings)
    expect(leaks).toEqual([])
    expect(callers).toBeGreaterThanOrEqual(12)
    expect(routes).toBeGreaterThanOrEqual(55)
    expect(probes).toBeGreaterThan(300_000)
    await expect(findLeaks(database.settings), 'a used database').rejects.toThrow('is in use')
  },
  600_000,
)
