import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createLog, createLogDestination, droppedLogLines } from './log.ts'

test('writes one JSON line per message', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'gabee-log-'))
  const file = path.join(dir, 'log')
  const fd = openSync(file, 'w')
  const log = createLog('info', createLogDestination(fd))
  log.info('first')
  log.error({ err: new Error('broken'), password: 'hidden' }, 'second')
  closeSync(fd)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as { level: string; msg: string })).toMatchObject([
    { level: 'info', msg: 'first' },
    { level: 'error', msg: 'second', password: '[secret]', err: { message: 'broken' } },
  ])
  rmSync(dir, { recursive: true })
})

// /dev/full is a device that answers every write with ENOSPC.
test.runIf(existsSync('/dev/full'))('drops and counts lines while the disk is full', () => {
  const fd = openSync('/dev/full', 'w')
  const before = droppedLogLines()
  const log = createLog('info', createLogDestination(fd))
  for (let n = 0; n < 3; n++) log.info('lost')
  closeSync(fd)
  expect(droppedLogLines() - before).toBe(3)
})

test.runIf(existsSync('/dev/full'))(
  'a process with a full disk under standard error keeps running and exits',
  () => {
    const full = openSync('/dev/full', 'w')
    const script = `
    import { createLog, droppedLogLines } from ${JSON.stringify(pathToFileURL(path.join(import.meta.dirname, 'log.ts')).href)}
    const log = createLog('info')
    for (let n = 0; n < 1000; n++) log.info('lost')
    process.stdout.write(String(droppedLogLines()))`
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', full],
      timeout: 60_000,
    })
    closeSync(full)
    expect([status, String(stdout)]).toEqual([0, '1000'])
  },
)
