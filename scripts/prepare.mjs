// Installs the packages, finds Node and builds the page. Runs on Node 20 without any packages.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const inRoot = (...parts) => path.join(root, ...parts)
const windows = process.platform === 'win32'
const ownNode = inRoot('node_modules/node/bin', windows ? 'node.exe' : 'node')
const builtFrom = inRoot('web/dist/.built-from')

/** A problem that the user can solve, explained in one or two sentences. */
export class Problem extends Error {}

export const say = (line) => process.stderr.write(`${line}\n`)

/**
 * Installs the packages if they differ from the lock file, and with `page` builds the page if its sources have changed.
 * Concurrent calls wait for each other.
 */
export async function prepare({ page = false } = {}) {
  const ready = async () => isInstalled() && (!page || (await isBuilt()))
  if (await ready()) return
  await withLock(async () => {
    if (!isInstalled()) await install()
    if (page && !(await isBuilt())) await build()
  })
}

/** Returns the Node that runs the project: the one in `node_modules`, or the current one if it is new enough. */
export function nodePath() {
  const runs = (file) => spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v')
  if (existsSync(ownNode) && runs(ownNode)) return ownNode
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath
  throw new Problem(
    `Gabee includes Node 24, but its install script has not run (current version: Node ${process.versions.node}). ` +
      'Run `npm rebuild node --ignore-scripts=false --foreground-scripts`, or use Node 24 or newer.',
  )
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** Compares the contents of the lock files, because a checkout changes their time. */
function isInstalled() {
  let wanted, found
  try {
    wanted = readJson(inRoot('package-lock.json')).packages
    found = readJson(inRoot('node_modules/.package-lock.json')).packages
  } catch {
    return false
  }
  const isSameVersion = (name) => wanted[name].version === found[name].version
  return (
    Object.keys(found).every((name) => wanted[name] && isSameVersion(name)) &&
    Object.keys(wanted).every((name) => name === '' || found[name] || wanted[name].optional)
  )
}

async function install() {
  // `npm ci` deletes the contents of the target first, which other working copies may use.
  if (lstatSync(inRoot('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Problem(
      'node_modules is a symbolic link and differs from package-lock.json. Install its target, or delete the link.',
    )
  }
  say('Installing dependencies (first start only, about a minute) …')
  const npmCli = process.env.npm_execpath
  const [command, ...first] = npmCli?.endsWith('.js') ? [process.execPath, npmCli] : ['npm']
  const { code, output } = await run(
    command,
    [...first, 'ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund', '--engine-strict=false'],
    {
      shell: windows && command === 'npm',
      // Older versions of npm would run its script, which downloads libraries that are not used.
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    },
  )
  if (code === 0 && isInstalled()) return
  throw new Problem(`${output.trim()}\nThe installation failed; see the output of npm above.`)
}

/** Returns a hash of the page's sources. */
async function hashPageSources() {
  const hash = createHash('sha256')
  const add = async (name) => hash.update(`${name}\0`).update(await readFile(inRoot(name)))
  for (const folder of ['client', 'contract', 'web']) {
    const names = await readdir(inRoot(folder), { recursive: true, withFileTypes: true })
    const files = names
      .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
      .filter((name) => !/^(?:web.dist|client.(?:dist|examples))\W/.test(name))
    for (const name of files.sort()) await add(name)
  }
  await add('package-lock.json')
  return hash.digest('hex')
}

async function isBuilt() {
  const stamp = await readFile(builtFrom, 'utf8').catch(() => '')
  return stamp !== '' && stamp === (await hashPageSources())
}

async function build() {
  say('Building the page …')
  const sources = await hashPageSources()
  const vite = inRoot('node_modules/vite/bin/vite.js')
  const { code, output } = await run(nodePath(), [vite, 'build', 'web', '--logLevel', 'warn'])
  if (code !== 0) throw new Problem(`${output.trim()}\nBuilding the page failed.`)
  await writeFile(builtFrom, sources)
}

/** Runs a program in the project's folder and collects its output. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const append = (bytes) => {
      output += bytes
    }
    child.stdout?.on('data', append)
    child.stderr?.on('data', append)
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}` }))
    child.on('close', (code, signal) => resolve({ code: code ?? 1, signal, output }))
  })
}

/** Runs `work` in one process at a time. The lock is a folder whose time its owner refreshes; an old lock is stale. */
async function withLock(work) {
  const lock = inRoot('.preparing')
  let hasWaited = false
  while (!(await acquire(lock))) {
    if (!hasWaited) say('Waiting for another Gabee command to install or build …')
    hasWaited = true
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const refresh = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), 2000)
  const release = async () => {
    clearInterval(refresh)
    await rmdir(lock).catch(() => {})
  }
  const interrupted = () => void release().then(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await work()
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await release()
  }
}

const staleAfterMs = 20_000

async function acquire(lock) {
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw new Problem(`The project folder is not writable: ${error.message}`)
  }
  const found = await stat(lock).catch(() => undefined)
  if (found && Date.now() - found.mtimeMs > staleAfterMs) await rmdir(lock).catch(() => {})
  return false
}
