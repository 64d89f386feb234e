import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/services/start.ts'
import { type Client, clientOf } from './client.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Settings that keep a test on its own machine: no model of the developer's, nothing of their environment. */
const isolated = {
  HOST: '127.0.0.1',
  OLLAMA_BASE_URL: 'http://127.0.0.1:9',
  LOG_LEVEL: 'warn',
  SHUTDOWN_GRACE_MS: '200',
  RUN_LEASE_MS: '1000',
}

/** A server as people run it: a process of its own, with its data directory. */
export type ServerProcess = Client & {
  readonly dataDir: string
  readonly port: number
  /** What it printed since its (last) start: both outputs. */
  output(): string
  /** Asks it to end, as Ctrl-C does, and waits; gives the exit code. */
  stop(): Promise<number | null>
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
  /** Starts it again on the same data directory and port, with other settings where given. */
  restart(settings?: Record<string, string>): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts `server/main.ts`. `settings` are environment variables. */
export async function startServer(settings: Record<string, string> = {}): Promise<ServerProcess> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gabee-data-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let current = settings
  let child: ChildProcess | undefined
  let output = ''

  const end = async (signal: NodeJS.Signals) => {
    const process = child
    child = undefined
    if (!process || process.exitCode !== null || process.signalCode !== null) return process?.exitCode ?? null
    const ended = once(process, 'exit')
    process.kill(signal)
    await ended
    return process.exitCode
  }
  const start = async () => {
    output = ''
    const started = spawn(process.execPath, ['server/main.ts'], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        ...isolated,
        PORT: `${port}`,
        DATA_DIR: dataDir,
        ...current,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    const keep = (bytes: Buffer) => {
      output += bytes.toString()
    }
    started.stdout.on('data', keep)
    started.stderr.on('data', keep)
    await answering(
      url,
      () => started.exitCode === null && started.signalCode === null,
      () => output,
    )
  }
  await start()
  return {
    ...clientOf(url),
    dataDir,
    port,
    output: () => output,
    stop: () => end('SIGINT'),
    kill: async () => void (await end('SIGKILL')),
    restart: async (changed) => {
      await end('SIGKILL')
      current = { ...current, ...changed }
      await start()
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
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
