import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '../databases.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const children: ChildProcess[] = []

afterEach(async () => {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }),
  )
})

/** `server/main.ts` as a process, and what it said. */
function run(settings: Record<string, string>, { ipc = false } = {}) {
  const child = spawn(process.execPath, ['server/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'], OLLAMA_BASE_URL: 'http://127.0.0.1:9', PORT: '0', ...settings },
    stdio: ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('A process without outputs.')
  const said = { out: '', err: '' }
  stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  // Not its `close`, which never comes when the channel was closed from this side.
  const ended = Promise.all([once(child, 'exit'), once(stdout, 'close'), once(stderr, 'close')]).then(
    () => child.exitCode,
  )
  return {
    child,
    said,
    ended,
    async started() {
      await expect.poll(() => said.out, { timeout: 60_000 }).toContain('Gabee runs at')
      return /http:\/\/[^\s]+/.exec(said.out)?.[0] ?? ''
    },
  }
}

const listenSomewhere = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return { port: String(address.port), close: () => server.close() }
}

describe('the command line', { timeout: 120_000 }, () => {
  test('says where it is, what answers and why, and what to do next: nothing else', async () => {
    await using database = await createTestDatabase('embedded')
    const { child, said, ended, started } = run(database.settings)
    const address = await started()
    expect(await (await fetch(`${address}/health`)).json()).toEqual({ ok: true })
    const lines = said.out.trim().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/^No language model is set up: .+ answers quote your documents/)
    expect(lines[2]).toMatch(/No login is needed on this machine/)
    expect(said.err).toBe('')
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(said.err).toBe('')
  })

  test('ends cleanly when the process that started it goes', async () => {
    await using database = await createTestDatabase('embedded')
    const { child, ended, started } = run(database.settings, { ipc: true })
    await started()
    child.disconnect()
    expect(await ended).toBe(0)
  })

  test('names every wrong setting and does not start', async () => {
    const { said, ended } = run({ PORT: 'eighty', REGISTRATION: 'maybe' })
    expect(await ended).toBe(1)
    expect(said.err).toContain('PORT must be a whole number from 0 to 65535, not "eighty".')
    expect(said.err).toContain('REGISTRATION must be open or closed, not "maybe".')
    expect(said.err).not.toMatch(/\bat .*\.ts:\d/)
    expect(said.out).toBe('')
  })

  test('points at what looks misspelt and starts all the same', async () => {
    await using database = await createTestDatabase('embedded')
    const { child, said, ended, started } = run({ ...database.settings, OPENAI_KEY: 'x' })
    await started()
    expect(said.err.trim()).toBe('OPENAI_KEY is set but not read; did you mean OPENAI_API_KEY?')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
  })

  test('says in a sentence that the port is in use', async () => {
    await using database = await createTestDatabase('embedded')
    const taken = await listenSomewhere()
    const { said, ended } = run({ ...database.settings, PORT: taken.port })
    expect(await ended).toBe(1)
    taken.close()
    expect(said.err.trim()).toBe(
      `Gabee had to stop: Port ${taken.port} of 127.0.0.1 is in use: end what uses it, or set PORT to another number.`,
    )
  })

  test('says in a sentence that another server has the data directory', async () => {
    await using database = await createTestDatabase('embedded')
    const first = run(database.settings)
    await first.started()
    const second = run(database.settings)
    expect(await second.ended).toBe(1)
    expect(second.said.err.trim().split('\n')).toHaveLength(1)
    expect(second.said.err).toContain(database.dir)
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
  })

  test('says in a sentence that the database is away, without its password', async () => {
    await using database = await createTestDatabase('embedded')
    const free = await listenSomewhere()
    free.close()
    const { said, ended } = run({
      DATA_DIR: database.dir,
      DATABASE_URL: `postgres://gabee:s3cret@127.0.0.1:${free.port}/gabee`,
    })
    expect(await ended).toBe(1)
    expect(said.err.trim().split('\n')).toHaveLength(1)
    expect(said.err).toContain('DATABASE_URL')
    expect(said.err).not.toContain('s3cret')
  })
})
