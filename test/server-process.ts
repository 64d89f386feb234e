import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/services/start.ts'
import { createTestClient, type TestClient } from './client.ts'
import { ANY_DATABASE, createTestDatabase, type TestDatabase } from './databases.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Settings that isolate a test from the developer's models and environment. Background model calls are off, so that
 * a scripted model server receives only the requests a test expects.
 */
export const isolated = {
  HOST: '127.0.0.1',
  OLLAMA_BASE_URL: 'http://127.0.0.1:9',
  REGISTRATION: 'open',
  BACKGROUND_MODEL_CALLS: 'off',
  BACKGROUND_MODEL_REST_MS: '400',
  LOG_LEVEL: 'warn',
  SHUTDOWN_GRACE_MS: '200',
  RUN_LEASE_MS: '1000',
}

/** A server in its own process, with its own data directory. */
export type ServerProcess = TestClient & {
  readonly port: number
  readonly database: TestDatabase
  /** Returns standard output and standard error since the last start. */
  output(): string
  /** Sends SIGINT, as Ctrl-C does, and waits. Returns the exit code. */
  stop(): Promise<number | null>
  /** Sends SIGKILL and waits. */
  kill(): Promise<void>
  /** Kills the server and restarts it on the same data and port. */
  restart(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts `server/main.ts` and waits until it responds. `settings` are environment variables. */
export async function startServer(
  settings: Record<string, string> = {},
  kind: TestDatabase['kind'] = ANY_DATABASE,
): Promise<ServerProcess> {
  const database = await createTestDatabase(kind)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let output = ''

  const terminate = async (signal: NodeJS.Signals) => {
    const target = child
    child = undefined
    if (!target) return null
    const isRunning = target.exitCode === null && target.signalCode === null
    if (isRunning) {
      const exited = once(target, 'exit')
      target.kill(signal)
      if (target.connected) target.disconnect()
      await exited
    }
    return target.exitCode
  }
  const start = async () => {
    output = ''
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
    // The same flags and setting as in `npm start`.
    const flags = ['--max-semi-space-size=4', '--heap-growing-percent=30']
    const started = spawn(process.execPath, [...flags, 'server/main.ts'], {
      cwd: root,
      env: {
        PATH,
        HOME,
        NODE_COMPILE_CACHE,
        MALLOC_TRIM_THRESHOLD_: '131072',
        ...isolated,
        PORT: `${port}`,
        ...database.settings,
        ...settings,
      },
      // The IPC channel makes the server exit when this process does.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child = started
    const append = (bytes: Buffer) => {
      output += bytes.toString()
    }
    started.stdout?.on('data', append)
    started.stderr?.on('data', append)
    const isAlive = () => started.exitCode === null && started.signalCode === null
    await waitUntilUp(url, isAlive, () => output)
  }
  await start()
  return {
    ...createTestClient(url),
    port,
    database,
    output: () => output,
    stop: () => terminate('SIGINT'),
    kill: async () => void (await terminate('SIGKILL')),
    restart: async () => {
      await terminate('SIGKILL')
      await start()
    },
    [Symbol.asyncDispose]: async () => {
      await terminate('SIGKILL')
      await database[Symbol.asyncDispose]()
    },
  }
}

async function waitUntilUp(url: string, isAlive: () => boolean, output: () => string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health`).catch(() => undefined)
    if (response?.ok) return
    if (!isAlive()) throw new Error(`The server did not start:\n${output()}`)
    await delay(20)
  }
}
