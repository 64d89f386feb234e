import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { freePort } from '../scripts/services/start.ts'
import { createTestDatabase } from './databases.ts'
import { startOllama } from './model-servers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const command = path.join(root, 'scripts/run.mjs')

/** Starts the command behind `npm start`. */
const npmStart = (settings: Record<string, string>) =>
  startCommand([process.execPath, command, 'start'], settings)

function startCommand([file = '', ...args]: string[], settings: Record<string, string>) {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, OLLAMA_BASE_URL: 'http://127.0.0.1:9', SHUTDOWN_GRACE_MS: '200', ...settings }
  const child = spawn(file, args, { env, stdio: 'pipe' })
  let output = ''
  const listeners = new Set<() => void>()
  const listen = (bytes: Buffer) => {
    output += bytes.toString()
    for (const check of listeners) check()
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const exitCode = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    output: () => output,
    /** The exit code, once the output is complete. */
    exitCode,
    /** Resolves once the output matches; rejects if the process ends before. */
    waitForOutput: (pattern: RegExp) =>
      Promise.race([
        new Promise<void>((resolve) => {
          const check = () => pattern.test(output) && resolve()
          listeners.add(check)
          check()
        }),
        exitCode.then((code) => {
          throw new Error(`The command exited with ${code} before printing ${pattern}:\n${output}`)
        }),
      ]),
    // The server stops when its parent process does.
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exitCode
    },
  }
}

const isReachable = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )

test('npm start prints the address, the model and the next step, and stops on SIGTERM', async () => {
  await using ollama = await startOllama()
  await using database = await createTestDatabase('embedded')
  const port = await freePort()
  await using started = npmStart({ ...database.settings, PORT: `${port}`, OLLAMA_BASE_URL: ollama.url })
  await started.waitForOutput(/drop a document/)
  expect(started.output()).toContain(`Gabee runs at http://127.0.0.1:${port}`)
  expect(started.output()).toContain('llama3.2:1b')
  started.child.kill('SIGTERM')
  expect(await started.exitCode).toBe(0)
  expect(await isReachable(`http://127.0.0.1:${port}/health`)).toBe(false)
})

/** Reads the environment with which a process was started. */
const environmentOf = (pid: number | string | undefined) =>
  readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')

describe.runIf(process.platform === 'linux')('the server process returns freed memory to the system', () => {
  const setting = 'MALLOC_TRIM_THRESHOLD_=131072'

  test('with npm start', async () => {
    await using database = await createTestDatabase('embedded')
    await using started = npmStart({ ...database.settings, PORT: '0' })
    await started.waitForOutput(/Gabee runs at/)
    const { pid } = started.child
    const [server] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    expect(environmentOf(server)).toContain(setting)
  })

  test('with the command of the package', async () => {
    const installed = mkdtempSync(path.join(tmpdir(), 'gabee-command-'))
    try {
      const file = path.join(installed, 'bin/gabee.js')
      mkdirSync(path.join(installed, 'dist/server'), { recursive: true })
      cpSync(path.join(root, 'bin'), path.join(installed, 'bin'), { recursive: true })
      writeFileSync(path.join(installed, 'package.json'), '{ "type": "module" }')
      const main = pathToFileURL(path.join(root, 'server/main.ts'))
      writeFileSync(path.join(installed, 'dist/server/main.js'), `import '${main.href}'`)
      await using database = await createTestDatabase('embedded')
      await using started = startCommand([file], {
        ...database.settings,
        PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`,
        PORT: '0',
      })
      await started.waitForOutput(/Gabee runs at/)
      expect(environmentOf(started.child.pid)).toContain(setting)
    } finally {
      rmSync(installed, { recursive: true })
    }
  })
})

test('the server stops when npm stops, during and after its start', async () => {
  await using database = await createTestDatabase('embedded')
  const { PATH, HOME } = process.env
  const port = await freePort()
  const settings = { ...database.settings, PORT: `${port}`, OLLAMA_BASE_URL: 'http://127.0.0.1:9' }
  const isStarting = () => readdirSync(database.dir).length > 1
  for (const isMoment of [isStarting, (output: string) => output.includes('Gabee runs at')]) {
    const npm = spawn('npm', ['start'], {
      env: { PATH, HOME, ...settings },
      cwd: path.dirname(path.dirname(command)),
    })
    const closed = once(npm, 'close')
    let output = ''
    npm.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
    await vi.waitUntil(() => isMoment(output), { timeout: 60_000, interval: 5 })
    npm.kill('SIGTERM')
    // The pipes close only when no child process holds them.
    await closed
    expect(await isReachable(`http://127.0.0.1:${port}/health`)).toBe(false)
  }
})

test('the server stops when the npm start process is killed', async () => {
  await using database = await createTestDatabase('embedded')
  const port = await freePort()
  await using started = npmStart({ ...database.settings, PORT: `${port}` })
  await started.waitForOutput(/Gabee runs at/)
  started.child.kill('SIGKILL')
  await started.exitCode
  expect(await isReachable(`http://127.0.0.1:${port}/health`)).toBe(false)
})

test('npm start exits with the exit code of the server', async () => {
  await using started = npmStart({ PORT: 'eight thousand' })
  expect(await started.exitCode).toBe(1)
  expect(started.output()).toMatch(/^Gabee could not start: PORT .*\n$/)
})
