import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { EventBody } from '../../../runs/index.ts'
import { engineNotInstalled, engineNotSupported, noNpm } from '../../errors.ts'

const name = 'node-llama-cpp'
const maxErrorCharacters = 300

/** An npm lock file of the engine with the binaries of all supported platforms, each with its SHA-512. */
const lockFile = new URL('./packages.json', import.meta.url)
const packages = z.record(
  z.string(),
  z.looseObject({ dependencies: z.record(z.string(), z.string()).optional() }),
)
const lock = z.looseObject({ packages })

export type ChatEngineConfig = {
  /** The directory of the engine. */
  directory: string
  /** The environment of npm: the search path, and how it reaches its registry. */
  npmEnv: NodeJS.ProcessEnv
}

let reading: ReturnType<typeof readLockFile> | undefined
const readLock = () => (reading ??= readLockFile())

/** Returns the lock file reduced to the binaries of this platform, with the version of the engine. */
async function readLockFile() {
  const content = lock.parse(JSON.parse(await readFile(lockFile, 'utf8')))
  const all = content.packages['']?.dependencies ?? {}
  const binary = `@${name}/${process.platform}-${process.arch}`
  const isOther = (each: string) => each.startsWith(`@${name}/`) && each !== binary
  const dependencies = Object.fromEntries(Object.entries(all).filter(([each]) => !isOther(each)))
  return {
    version: all[name] ?? '',
    isSupported: binary in all,
    dependencies,
    content: {
      ...content,
      packages: {
        ...Object.fromEntries(
          Object.entries(content.packages).filter(([each]) => !isOther(each.replace('node_modules/', ''))),
        ),
        '': { dependencies },
      },
    },
  }
}

/** The engine of chat models: llama.cpp in the package node-llama-cpp, installed in a separate folder. */
export async function findChatEngine({ directory }: ChatEngineConfig) {
  const { version, isSupported } = await readLock()
  const folder = path.join(directory, `${name}-${version}`)
  const isInstalled = existsSync(folder)
  return {
    version,
    isInstalled,
    isSupported,
    /** The path of the module to import. */
    entry: path.join(folder, 'node_modules', name, 'dist/index.js'),
    problem: isInstalled ? undefined : isSupported ? engineNotInstalled() : engineNotSupported(),
  }
}

/**
 * Installs the engine with npm from its registry, 85 MB, and yields progress in Ollama's format. Versions and
 * hashes are pinned by the lock file; no script of a package runs. @throws engine_not_supported, no_npm,
 * engine_not_installed
 */
export async function* installChatEngine(
  { directory, npmEnv }: ChatEngineConfig,
  signal: AbortSignal,
): AsyncGenerator<EventBody> {
  const { version, isSupported, dependencies, content } = await readLock()
  if (!isSupported) throw engineNotSupported()
  const folder = path.join(directory, `${name}-${version}`)
  if (!existsSync(folder)) {
    const unfinished = `${folder}.part`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    await writeFile(path.join(unfinished, 'package.json'), JSON.stringify({ private: true, dependencies }))
    await writeFile(path.join(unfinished, 'package-lock.json'), JSON.stringify(content))
    const count = Object.keys(content.packages).length - 1
    let fetched = 0
    for await (const line of runNpm(unfinished, npmEnv, signal))
      if (/^npm http .*\.tgz /.test(line))
        yield {
          status: `installing ${name} ${version}: ${Math.min((fetched += 1), count)} of ${count} packages`,
        }
    await rename(unfinished, folder)
  }
  yield { status: 'success' }
}

/** Yields the standard error of npm. @throws no_npm, engine_not_installed */
async function* runNpm(cwd: string, env: NodeJS.ProcessEnv, signal: AbortSignal): AsyncGenerator<string> {
  const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=http']
  const retries = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000']
  const child = spawn('npm', ['ci', '--prefix', cwd, ...options, ...retries], {
    cwd,
    env,
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve)
    child.once('close', resolve)
  })
  let errorText = ''
  for await (const line of createInterface(child.stderr)) {
    errorText ||=
      /^npm error (?!(?:code|errno|syscall) )(.+)/.exec(line)?.[1]?.slice(0, maxErrorCharacters) ?? ''
    yield line
  }
  const outcome = await ended
  signal.throwIfAborted()
  if (outcome instanceof Error) throw noNpm()
  if (outcome !== 0) throw engineNotInstalled(errorText)
}
