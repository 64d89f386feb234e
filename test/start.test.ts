import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { freePort } from '../scripts/services/start.ts'
import { createTestDatabase } from './databases.ts'
import { startOllama } from './model-servers.ts'

const command = path.join(fileURLToPath(new URL('..', import.meta.url)), 'scripts/run.mjs')

/** Starts the command behind `npm start`. */
function npmStart(settings: Record<string, string>) {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, OLLAMA_BASE_URL: 'http://127.0.0.1:9', SHUTDOWN_GRACE_MS: '200', ...settings }
  const child = spawn(process.execPath, [command, 'start'], { env, stdio: 'pipe' })
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
    await vi.waitUntil(() => isMoment(output), { timeout: 20_000, interval: 5 })
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
