import { accessSync, constants } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { listProviders, type ModelProvider, testProvider } from '../../contract/models.ts'
import type { Readiness } from '../../contract/server.ts'
import { type Config, ConfigError } from '../config.ts'
import { builtPage } from '../http/page.ts'
import { findChatEngine, findRuntimeProblem } from '../models/index.ts'
import type { Command, CommandContext } from './command.ts'
import type { Connection } from './connection.ts'
import { formatBytes } from './terminal.ts'

type Finding = { check: string; state: 'ok' | 'warning' | 'failed'; message: string }

const minNodeVersion = 24

export const doctor: Command = {
  usage: '',
  details: `Checks Node, the settings, the disk, the database, the models and the programs for scans and old Office files.
Requests a short answer from each provider of models, for which remote providers may charge.
The exit code is 1 if something that the server needs is missing.

  gabee doctor`,
  async run(context) {
    const { terminal } = context
    const findings = [checkNode(), ...(await checkSettings(context))]
    const marks = { ok: ['green', '✓'], warning: ['yellow', '!'], failed: ['red', '✗'] } as const
    for (const { check, state, message } of findings) {
      const [color, mark] = marks[state]
      terminal.print(`${terminal.style(color, mark)} ${check}: ${message}`)
    }
    terminal.json(findings)
    return findings.some(({ state }) => state === 'failed') ? 1 : 0
  },
}

function checkNode(): Finding {
  const isNew = Number.parseInt(process.versions.node, 10) >= minNodeVersion
  return {
    check: 'Node',
    state: isNew ? 'ok' : 'failed',
    message: isNew
      ? process.versions.node
      : `${process.versions.node}; install Node ${minNodeVersion} or newer.`,
  }
}

async function checkSettings(context: CommandContext): Promise<Finding[]> {
  let config: Config
  try {
    config = context.config()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((message) => ({ check: 'Settings', state: 'failed', message }))
  }
  return [
    { check: 'Settings', state: 'ok', message: `data in ${config.dataDir}` },
    ...config.hints.map((message): Finding => ({ check: 'Settings', state: 'warning', message })),
    await checkDisk(config),
    checkFile('Page', join(builtPage, 'index.html'), 'built', 'not built; run npm start once, or reinstall.'),
    ...(await checkServer(context)),
    checkRuntime(),
    await checkChatEngine(config),
    checkProgram(
      config,
      ['tesseract'],
      'Text recognition',
      'scanned pages and images cannot be read; install tesseract.',
    ),
    checkProgram(
      config,
      ['soffice', 'libreoffice'],
      'Old office files',
      '.doc, .xls and .ppt files cannot be read; install libreoffice.',
    ),
  ]
}

async function checkDisk({ dataDir, minFreeDiskBytes }: Config): Promise<Finding> {
  const check = 'Disk'
  const disk = await statfs(dataDir).catch(() => undefined)
  if (disk === undefined) return { check, state: 'ok', message: `${dataDir} is created at the first start` }
  const free = disk.bavail * disk.bsize
  const isEnough = free >= minFreeDiskBytes
  return {
    check,
    state: isEnough ? 'ok' : 'failed',
    message: `${formatBytes(free)} free${isEnough ? '' : `; free at least ${formatBytes(minFreeDiskBytes)}, or lower MIN_FREE_DISK_MB.`}`,
  }
}

async function checkServer({ connect, server }: CommandContext): Promise<Finding[]> {
  try {
    await using connection = await connect()
    const response = await fetch(`${connection.address}/health/ready`, { headers: connection.headers })
    const { database, storage, models } = (await response.json()) as Readiness
    return [
      { check: 'Database', state: database.ok ? 'ok' : 'failed', message: database.message ?? database.kind },
      ...(storage.ok
        ? []
        : [{ check: 'Storage', state: 'failed', message: storage.message ?? 'full' } as const]),
      { check: 'Models', state: models.chat === 'extractive' ? 'warning' : 'ok', message: models.message },
      {
        check: 'Semantic search',
        state: models.embedding === null ? 'warning' : 'ok',
        message: models.embedding ?? 'no embedding model; search is by keyword only.',
      },
      ...(await checkProviders(connection)),
    ]
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [{ check: server.url === undefined ? 'Database' : 'Server', state: 'failed', message }]
  }
}

async function checkProviders({ client }: Connection): Promise<Finding[]> {
  const found = await client.call(listProviders).catch((error: unknown) => error)
  if (found instanceof Error) return [{ check: 'Providers', state: 'warning', message: found.message }]
  const { providers } = found as { providers: ModelProvider[] }
  return await Promise.all(
    providers.map(async ({ name }): Promise<Finding> => {
      const check = `Provider ${name}`
      try {
        const params = { id: name }
        const { error, models, answer } = await client.call(testProvider, { params, body: { answer: true } })
        if (error !== undefined) return { check, state: 'warning', message: error }
        const parts = [`${models} ${models === 1 ? 'model' : 'models'}`]
        if (answer) parts.push(`${answer.model} starts to answer after ${answer.first_token_ms} ms`)
        if (answer?.tokens_per_second) parts.push(`${answer.tokens_per_second} tokens per second`)
        return { check, state: 'ok', message: parts.join(', ') }
      } catch (error) {
        return { check, state: 'warning', message: (error as Error).message }
      }
    }),
  )
}

function checkRuntime(): Finding {
  const problem = findRuntimeProblem()
  return {
    check: 'In-process models',
    state: problem === null ? 'ok' : 'warning',
    message: problem ?? 'available',
  }
}

async function checkChatEngine({ models }: Config): Promise<Finding> {
  const { version, problem } = await findChatEngine(models.inProcess.chatEngine)
  return {
    check: 'In-process chat models',
    state: problem ? 'warning' : 'ok',
    message: problem?.message ?? `node-llama-cpp ${version}`,
  }
}

function checkFile(check: string, path: string, present: string, missing: string): Finding {
  return isReadable(path, constants.R_OK)
    ? { check, state: 'ok', message: present }
    : { check, state: 'warning', message: missing }
}

function checkProgram({ searchPath = '' }: Config, names: string[], check: string, missing: string): Finding {
  const found = searchPath
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => isReadable(path, constants.X_OK))
  return { check, state: found ? 'ok' : 'warning', message: found ?? missing }
}

function isReadable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
