import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../command.ts'
import { findLeaks } from './find-leaks.ts'

export const leakTest: Command = {
  usage: '',
  details: `Stores unique words at every layer, reads every route as every kind of caller, and reports words that reach somebody
who may not read them. Uses an embedded database in a temporary directory, or the empty one at DATABASE_URL.

  gabee leak-test`,
  run: ({ databaseUrl }) => runLeakTest(databaseUrl),
}

/** Prints the result of the test and returns the exit code. */
async function runLeakTest(databaseUrl = ''): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'gabee-leak-test-'))
  try {
    const { leaks, ...counts } = await findLeaks({ DATA_DIR: directory, DATABASE_URL: databaseUrl })
    for (const leak of leaks) process.stdout.write(`✗ ${leak}\n`)
    process.stdout.write(
      `${counts.callers} callers × ${counts.routes} routes: ${counts.requests} requests, ${counts.canaries} canaries, ${counts.probes} probes, ${leaks.length} leaks.\n`,
    )
    return leaks.length === 0 ? 0 : 1
  } catch (thrown) {
    process.stderr.write(`The leak test failed: ${(thrown as Error).message}\n`)
    return 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
