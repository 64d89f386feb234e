import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/services/start.ts'
import { bodyOf, listMessages, registerUser } from '../builders.ts'
import { ANY_DATABASE, createTestDatabase, type TestDatabase } from '../databases.ts'
import { temporaryFolder } from '../files/folder.ts'
import { startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'

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

/** Runs `server/main.ts` in a process and collects its output. */
function run(settings: Record<string, string>, { ipc = false, args = [] as string[], input = '' } = {}) {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, ['server/main.ts', ...args], {
    cwd: root,
    env: { PATH, NODE_COMPILE_CACHE, OLLAMA_BASE_URL: 'http://127.0.0.1:9', PORT: '0', ...settings },
    stdio: ['pipe', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  })
  children.push(child)
  child.stdin?.end(input)
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('A process without outputs.')
  const output = { out: '', err: '' }
  stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text
  })
  stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text
  })
  // The event `close` is not emitted if this side has closed the IPC channel.
  const ended = Promise.all([once(child, 'exit'), once(stdout, 'close'), once(stderr, 'close')]).then(
    () => child.exitCode,
  )
  return {
    child,
    output,
    ended,
    async started() {
      await vi.waitFor(() => expect(output.out).toContain('Gabee runs at'), { timeout: 60_000 })
      return /http:\/\/[^\s]+/.exec(output.out)?.[0] ?? ''
    },
  }
}

describe('the command line', { timeout: 120_000 }, () => {
  describe('while a server runs', () => {
    let database: TestDatabase
    let server: ReturnType<typeof run>
    let address: string
    beforeAll(async () => {
      database = await createTestDatabase('embedded')
      server = run(database.settings)
      // This server is used by several tests.
      children.splice(0)
      address = await server.started()
    })
    afterAll(async () => {
      server?.child.kill('SIGKILL')
      await server?.ended
      await database?.[Symbol.asyncDispose]()
    })

    test('it has printed its address, the model with the reason and the next step, and nothing else', async () => {
      expect(await (await fetch(`${address}/health`)).json()).toEqual({ ok: true })
      const lines = server.output.out.trim().split('\n')
      expect(lines).toHaveLength(3)
      expect(lines[1]).toMatch(/^No language model is configured: .+ answers quote your documents/)
      expect(lines[2]).toMatch(/No sign-in is needed on this machine/)
      expect(server.output.err).toBe('')
    })

    test('another one explains that the data directory is in use', async () => {
      const second = run(database.settings)
      expect(await second.ended).toBe(1)
      expect(second.output.err.trim().split('\n')).toHaveLength(1)
      expect(second.output.err).toContain(database.dir)
      const user = run(database.settings, { args: ['user', 'reset-password', 'ann@example.org'] })
      expect(await user.ended).toBe(1)
      expect(user.output.err).toBe(
        `A server is using the data directory ${database.dir}. Stop it, run this command again, then start it. On a running server, administrators create links for new passwords (POST /admin/users/{id}/password-reset).\n`,
      )
    })

    test('another one explains that the port is in use', async () => {
      await using other = await createTestDatabase(ANY_DATABASE)
      const { port } = new URL(address)
      const { output, ended } = run({ ...other.settings, PORT: port })
      expect(await ended).toBe(1)
      expect(output.err.trim()).toBe(
        `Gabee could not start: Port ${port} on 127.0.0.1 is in use. Stop the program that uses it, or set PORT to another number.`,
      )
    })

    test('it exits with 0 after SIGTERM', async () => {
      server.child.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      expect(server.output.err).toBe('')
    })
  })

  test('warns about a misspelt setting, and exits with 0 when its parent process ends', async () => {
    await using database = await createTestDatabase(ANY_DATABASE)
    const { child, output, ended, started } = run({ ...database.settings, OPENAI_KEY: 'x' }, { ipc: true })
    await started()
    expect(output.err.trim()).toBe('OPENAI_KEY is set but unknown; did you mean OPENAI_API_KEY?')
    child.disconnect()
    expect(await ended).toBe(0)
  })

  test('is not ready for SHUTDOWN_DELAY_MS after a signal, and exits at once at the second', async () => {
    await using database = await createTestDatabase(ANY_DATABASE)
    const { child, ended, started } = run({ ...database.settings, SHUTDOWN_DELAY_MS: '60000' })
    const address = await started()
    const ready = async () => {
      const response = await fetch(`${address}/health/ready`)
      return { status: response.status, ...((await response.json()) as object) }
    }
    expect(await ready()).toMatchObject({ status: 200 })
    child.kill('SIGTERM')
    await expect.poll(ready).toMatchObject({ status: 503, ok: false, stopping: true })
    expect((await fetch(`${address}/avees`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(1)
  })

  test('names every invalid setting and does not start', async () => {
    const { output, ended } = run({ PORT: 'eighty', REGISTRATION: 'maybe' })
    expect(await ended).toBe(1)
    expect(output.err).toContain('PORT must be a whole number from 0 to 65535, not "eighty".')
    expect(output.err).toContain('REGISTRATION must be invite, open or closed, not "maybe".')
    expect(output.err).not.toMatch(/\bat .*\.ts:\d/)
    expect(output.out).toBe('')
  })

  test('explains that DATA_DIR is a file', async () => {
    const file = path.join(root, 'package.json')
    const { output, ended } = run({ DATA_DIR: file })
    expect(await ended).toBe(1)
    expect(output.err.trim()).toBe(
      `Gabee could not start: The data directory ${file} cannot be created: it is, or is inside, a file. Set DATA_DIR to a directory.`,
    )
  })

  test('explains that the database is not reachable, without its password', async () => {
    await using folder = await temporaryFolder()
    const port = await freePort()
    const { output, ended } = run({
      DATA_DIR: folder.path,
      DATABASE_URL: `postgres://gabee:s3cret@127.0.0.1:${port}/gabee`,
    })
    expect(await ended).toBe(1)
    expect(output.err.trim().split('\n')).toHaveLength(1)
    expect(output.err).toContain('DATABASE_URL')
    expect(output.err).not.toContain('s3cret')
  })

  test('commands work through a running server, and a chat continues after it was killed', async () => {
    await using ollama = await startOllama()
    const tokens = Array.from({ length: 40 }, (_, n) => ` word${n}`)
    ollama.script('/api/chat', { tokens, fault: 'stall', afterTokens: 20 }, { tokens: tokens.slice(20) })
    await using server = await startServer({ OLLAMA_BASE_URL: ollama.url }, 'embedded')
    const command = (args: string[], input = '') => run({ GABEE_URL: server.url }, { args, input })

    const chat = command(['chat'], 'Which words?\n')
    await expect.poll(() => chat.output.out, { timeout: 60_000 }).toContain('word19')
    await server.restart()
    expect(await chat.ended).toBe(0)
    const conversation = /^Conversation (\S+)$/m.exec(chat.output.err)?.[1] ?? ''
    const { content } = (await listMessages(server, conversation))[1] ?? {}
    expect(content).toBe(tokens.join(''))
    expect(chat.output.out.split('\n')[0]).toBe(content)

    const file = path.join(server.database.dir, 'lease.md')
    await writeFile(file, 'The lease ends in May.')
    const upload = command(['upload', 'no-such-file.md', file, '--json'])
    expect(await upload.ended).toBe(1)
    expect(JSON.parse(upload.output.out)).toMatchObject({ success: true, filename: 'lease.md' })
    expect(upload.output.err).toContain('no-such-file.md: the file cannot be read.')

    const target = path.join(server.database.dir, 'test.backup')
    const backup = command(['backup', target, '--json'])
    expect(await backup.ended).toBe(0)
    expect(JSON.parse(backup.output.out)).toMatchObject({ path: target, files: 1, damaged: [] })
    expect((await readdir(server.database.dir)).filter((name) => name.includes('.part'))).toEqual([])

    const doctor = command(['doctor', '--json'])
    await doctor.ended
    const findings = JSON.parse(doctor.output.out) as { check: string; message: string }[]
    const { message } = findings.find(({ check }) => check === 'Provider ollama') ?? {}
    expect(message).toMatch(/^2 models, llama3\.2:1b starts to answer after \d+ ms/)
  })

  test('commands without a server open the data directory and act as its owner', async () => {
    await using database = await createTestDatabase('embedded')
    const models = run(database.settings, { args: ['models', '--json'] })
    expect(await models.ended).toBe(0)
    expect(JSON.parse(models.output.out)).toMatchObject([{ provider: 'extractive' }])
  })

  test.each([[['ask']], [['serve', '--port', '1']], [['nonsense']]])('%s is wrong usage', async (args) => {
    const { output, ended } = run({}, { args })
    expect(await ended).toBe(2)
    expect(output.err).toMatch(/^Usage: gabee|^Unknown command/m)
  })

  test('user reset-password prints a link that sets a password, and names what is wrong', async () => {
    await using server = await startServer()
    await registerUser(server, { email: 'ann@example.org' })
    expect(await server.stop()).toBe(0)
    const settings = { ...server.database.settings, PUBLIC_URL: 'https://gabee.example' }
    const user = (...args: string[]) => run(settings, { args: ['user', ...args] })

    const wrong = user('rename', 'ann@example.org')
    expect(await wrong.ended).toBe(2)
    expect(wrong.output.err).toContain('user reset-password|remove-factors USER')
    const elsewhere = run(
      { ...settings, GABEE_URL: 'https://gabee.example' },
      { args: ['user', 'reset-password', 'ann@example.org'] },
    )
    expect(await elsewhere.ended).toBe(1)
    expect(elsewhere.output.out).toBe('')
    expect(elsewhere.output.err).toContain('without GABEE_URL')
    const unknown = user('reset-password', 'bob@example.org')
    expect(await unknown.ended).toBe(1)
    expect(unknown.output.err).toBe('User not found.\n')
    const { output, ended } = user('reset-password', 'ann@example.org')
    expect(await ended).toBe(0)
    const token = /^https:\/\/gabee\.example\/login#reset=(\S+)$/m.exec(output.out)?.[1]
    const reset = { token, new_password: 'another long password' }
    await server.restart()
    bodyOf(await server.post('/auth/reset', reset))
  })
})
