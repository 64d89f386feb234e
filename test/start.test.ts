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

/** Runs what `npm start` runs. */
function npmStart(settings: Record<string, string>) {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, OLLAMA_BASE_URL: 'http://127.0.0.1:9', SHUTDOWN_GRACE_MS: '200', ...settings }
  const child = spawn(process.execPath, [command, 'start'], { env, stdio: 'pipe' })
  let said = ''
  const listeners = new Set<() => void>()
  const listen = (bytes: Buffer) => {
    said += bytes.toString()
    for (const look of listeners) look()
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    said: () => said,
    /** Its exit code, when nothing of it is left that could write. */
    ended,
    /** Resolves once it has said something; fails when it ends without. */
    saying: (words: RegExp) =>
      Promise.race([
        new Promise<void>((resolve) => {
          const look = () => words.test(said) && resolve()
          listeners.add(look)
          look()
        }),
        ended.then((code) => {
          throw new Error(`It ended with ${code} before saying ${words}:\n${said}`)
        }),
      ]),
    // The server follows the command.
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const reaches = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )

test('npm start prints the address, the model and the next step, and stops on SIGTERM', async () => {
  await using ollama = await startOllama()
  await using database = await createTestDatabase('embedded')
  const port = await freePort()
  await using started = npmStart({ ...database.settings, PORT: `${port}`, OLLAMA_BASE_URL: ollama.url })
  await started.saying(/drop a document/)
  expect(started.said()).toContain(`Gabee runs at http://127.0.0.1:${port}`)
  expect(started.said()).toContain('llama3.2:1b')
  started.child.kill('SIGTERM')
  expect(await started.ended).toBe(0)
  expect(await reaches(`http://127.0.0.1:${port}/health`)).toBe(false)
})

test('the server stops when npm stops, during and after its start', async () => {
  await using database = await createTestDatabase('embedded')
  const { PATH, HOME } = process.env
  const port = await freePort()
  const settings = { ...database.settings, PORT: `${port}`, OLLAMA_BASE_URL: 'http://127.0.0.1:9' }
  const isStarting = () => readdirSync(database.dir).length > 1
  for (const isMoment of [isStarting, (heard: string) => heard.includes('Gabee runs at')]) {
    const npm = spawn('npm', ['start'], {
      env: { PATH, HOME, ...settings },
      cwd: path.dirname(path.dirname(command)),
    })
    const gone = once(npm, 'close')
    let heard = ''
    npm.stdout.on('data', (bytes: Buffer) => {
      heard += bytes.toString()
    })
    await vi.waitUntil(() => isMoment(heard), { timeout: 20_000, interval: 5 })
    npm.kill('SIGTERM')
    // Whoever still held the other end of the pipes would keep them open.
    await gone
    expect(await reaches(`http://127.0.0.1:${port}/health`)).toBe(false)
  }
})

test('the server stops when the npm start process is killed', async () => {
  await using database = await createTestDatabase('embedded')
  const port = await freePort()
  await using started = npmStart({ ...database.settings, PORT: `${port}` })
  await started.saying(/Gabee runs at/)
  started.child.kill('SIGKILL')
  await started.ended
  expect(await reaches(`http://127.0.0.1:${port}/health`)).toBe(false)
})

test('npm start exits with the exit code of the server', async () => {
  await using started = npmStart({ PORT: 'eight thousand' })
  expect(await started.ended).toBe(1)
  expect(started.said()).toMatch(/^Gabee could not start: PORT .*\n$/)
})
