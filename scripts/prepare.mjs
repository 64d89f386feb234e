// What must be there before anything runs: the packages, the project's own Node, the built page.
// Runs on plain Node 20 with nothing installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const inRoot = (...parts) => path.join(root, ...parts)
const windows = process.platform === 'win32'
const ownNode = inRoot('node_modules/node/bin', windows ? 'node.exe' : 'node')
const builtFrom = inRoot('web/dist/.built-from')

/** What is wrong in one or two sentences, for the person at the terminal. */
export class Problem extends Error {}

export const say = (line) => process.stderr.write(`${line}\n`)

/**
 * Installs the packages when they are not those of the lock file, and builds the page when `page` is wanted and its sources changed.
 * Several of these at once wait for each other.
 */
export async function prepare({ page = false } = {}) {
  const ready = async () => isInstalled() && (!page || (await isBuilt()))
  if (await ready()) return
  await exclusively(async () => {
    if (!isInstalled()) await install()
    if (page && !(await isBuilt())) await build()
  })
}

/** The Node that runs the project: its own from `node_modules`, or this one when it is new enough. */
export function nodePath() {
  const runs = (file) => spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v')
  if (existsSync(ownNode) && runs(ownNode)) return ownNode
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath
  throw new Problem(
    `Gabee brings its own Node 24, but its install step did not run here (this is Node ${process.versions.node}). ` +
      'Allow it with `npm rebuild node --ignore-scripts=false --foreground-scripts`, or use Node 24 or newer.',
  )
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** Compares contents, as a checkout gives the lock file a new time though nothing in it changed. */
function isInstalled() {
  let wanted, found
  try {
    wanted = readJson(inRoot('package-lock.json')).packages
    found = readJson(inRoot('node_modules/.package-lock.json')).packages
  } catch {
    return false
  }
  const same = (name) => wanted[name].version === found[name].version
  return (
    Object.keys(found).every((name) => wanted[name] && same(name)) &&
    Object.keys(wanted).every((name) => name === '' || found[name] || wanted[name].optional)
  )
}

async function install() {
  say('Installing what Gabee needs (once; takes a minute) …')
  const npmCli = process.env.npm_execpath
  const [command, ...first] = npmCli?.endsWith('.js') ? [process.execPath, npmCli] : ['npm']
  const { code, output } = await run(
    command,
    [...first, 'ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund', '--engine-strict=false'],
    { shell: windows && command === 'npm' },
  )
  if (code === 0 && isInstalled()) return
  throw new Problem(`${output.trim()}\nInstalling failed; npm says why above.`)
}

/** A hash of all that the built page is made from. */
async function pageSources() {
  const hash = createHash('sha256')
  const add = async (name) => hash.update(`${name}\0`).update(await readFile(inRoot(name)))
  for (const folder of ['contract', 'web']) {
    const names = await readdir(inRoot(folder), { recursive: true, withFileTypes: true })
    const files = names
      .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
      .filter((name) => !name.startsWith(path.join('web', 'dist')))
    for (const name of files.sort()) await add(name)
  }
  await add('package-lock.json')
  return hash.digest('hex')
}

async function isBuilt() {
  const stamp = await readFile(builtFrom, 'utf8').catch(() => '')
  return stamp !== '' && stamp === (await pageSources())
}

async function build() {
  say('Building the page …')
  const sources = await pageSources()
  const vite = inRoot('node_modules/vite/bin/vite.js')
  const { code, output } = await run(nodePath(), [vite, 'build', 'web', '--logLevel', 'warn'])
  if (code !== 0) throw new Problem(`${output.trim()}\nThe page could not be built.`)
  await writeFile(builtFrom, sources)
}

/** Runs a program to its end, from the project's folder, and keeps what it says. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const keep = (bytes) => {
      output += bytes
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}` }))
    child.on('close', (code, signal) => resolve({ code: code ?? 1, signal, output }))
  })
}

/** One process at a time: a folder is the lock, kept fresh while its owner lives, and void when it has not been for a while. */
async function exclusively(work) {
  const lock = inRoot('.preparing')
  let waited = false
  while (!(await take(lock))) {
    if (!waited) say('Another Gabee command is installing or building here; waiting for it …')
    waited = true
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const refresh = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), 2000)
  const leave = async () => {
    clearInterval(refresh)
    await rmdir(lock).catch(() => {})
  }
  const interrupted = () => void leave().then(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await work()
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await leave()
  }
}

const voidAfter = 20_000

async function take(lock) {
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw new Problem(`Gabee cannot write to its own folder: ${error.message}`)
  }
  const found = await stat(lock).catch(() => undefined)
  if (found && Date.now() - found.mtimeMs > voidAfter) await rmdir(lock).catch(() => {})
  return false
}
