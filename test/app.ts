import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/services/start.ts'
import { type App, createApp } from '../server/app.ts'
import { readConfig } from '../server/config.ts'
import { type Client, clientOf } from './client.ts'
import { freshPlace, type Place } from './databases.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Settings that keep a test on its own machine: no model of the developer's, nothing of their environment. A played
 * model answers what the test asks and nothing else, unless background calls are switched on.
 */
const isolated = {
  HOST: '127.0.0.1',
  OLLAMA_BASE_URL: 'http://127.0.0.1:9',
  BACKGROUND_MODEL_CALLS: 'off',
  BACKGROUND_MODEL_REST_MS: '400',
  LOG_LEVEL: 'warn',
  SHUTDOWN_GRACE_MS: '200',
  RUN_LEASE_MS: '1000',
}

type Settings = Record<string, string>
type Kind = Place['kind']

/** The app in this process, on a database of its own. */
export type RunningApp = Client & { readonly app: App; [Symbol.asyncDispose](): Promise<void> }

/** Builds the app as `main.ts` does and lets it listen. `settings` are environment variables. */
export async function startApp(settings: Settings = {}, kind: Kind = 'embedded'): Promise<RunningApp> {
  const place = await freshPlace(kind)
  const quiet = { ...isolated, LOG_LEVEL: 'silent', PORT: '0' }
  const app = await createApp(readConfig({ ...quiet, ...place.settings, ...settings }))
  return {
    ...clientOf(await app.listen()),
    app,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    },
  }
}

/** A server as people run it: a process of its own, with its data directory. */
export type ServerProcess = Client & {
  readonly port: number
  /** What it printed since its last start: both outputs. */
  output(): string
  /** Asks it to end, as Ctrl-C does, and waits; gives the exit code. */
  stop(): Promise<number | null>
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
  /** Starts it again on the same data and port. */
  restart(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts `server/main.ts`. `settings` are environment variables. */
export async function startServer(settings: Settings = {}, kind: Kind = 'embedded'): Promise<ServerProcess> {
  const place = await freshPlace(kind)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let output = ''

  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (!ending) return null
    const isRunning = ending.exitCode === null && ending.signalCode === null
    if (isRunning) {
      const ended = once(ending, 'exit')
      ending.kill(signal)
      if (ending.connected) ending.disconnect()
      await ended
    }
    return ending.exitCode
  }
  const start = async () => {
    output = ''
    const { PATH, HOME } = process.env
    const started = spawn(process.execPath, ['server/main.ts'], {
      cwd: root,
      env: { PATH, HOME, ...isolated, PORT: `${port}`, ...place.settings, ...settings },
      // With a channel between them it ends when this process does.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child = started
    const keep = (bytes: Buffer) => {
      output += bytes.toString()
    }
    started.stdout?.on('data', keep)
    started.stderr?.on('data', keep)
    const isAlive = () => started.exitCode === null && started.signalCode === null
    await answering(url, isAlive, () => output)
  }
  await start()
  return {
    ...clientOf(url),
    port,
    output: () => output,
    stop: () => end('SIGINT'),
    kill: async () => void (await end('SIGKILL')),
    restart: async () => {
      await end('SIGKILL')
      await start()
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL')
      await place[Symbol.asyncDispose]()
    },
  }
}

async function answering(url: string, isAlive: () => boolean, output: () => string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok) return
    if (!isAlive()) throw new Error(`The server did not start:\n${output()}`)
    await delay(20)
  }
}
