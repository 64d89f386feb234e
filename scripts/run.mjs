// The commands behind `npm start`, `npm test` and the others. Runs on plain Node 20 with nothing installed.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runChecks } from './check.mjs'
import { nodePath, Problem, prepare, root, say } from './prepare.mjs'

const tool = (name) => path.join(root, 'node_modules', name)
const windows = process.platform === 'win32'

/** npm sends signals to a shell, which exits without forwarding them to this process. */
const parent = process.ppid
const isOrphan = () => process.env.npm_lifecycle_event !== undefined && process.ppid !== parent

const commands = {
  start,
  dev,
  test,
  check,
  format,
  docs,
  services,
  'leak-test': leakTest,
  fuzz,
  'snapshot-schema': snapshotSchema,
  compile,
  'build-client': buildClient,
  'build-docs': buildDocs,
  screenshots,
  'package-test': packageTest,
  'rolling-restart': rollingRestart,
}

/**
 * A young generation of a quarter of the default size saves 90 MB. Collecting garbage when the heap has grown by 30 %,
 * instead of when it has about doubled, saves up to 100 MB. Neither costs measurable CPU time (bench/documents.ts).
 */
const memoryFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30']
/** glibc returns freed memory to the system above this many bytes, its default, instead of raising the limit: 70 MB less. */
const memorySettings = { MALLOC_TRIM_THRESHOLD_: '131072' }

/** Runs the server as a child process. The IPC channel makes it stop when this process ends for any reason. */
async function start(args) {
  await prepare({ page: true })
  return await foreground(nodePath(), [...memoryFlags, 'server/main.ts', ...args], {
    ownGroup: true,
    env: {
      ...memorySettings,
      ...process.env,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? tool('.cache/compiled'),
    },
  })
}

/** Runs the server with restarts on changes, behind Vite on port 3000. */
async function dev(args) {
  await prepare()
  const node = nodePath()
  const ended = new AbortController()
  const both = [
    foreground(node, ['--watch', '--watch-preserve-output', 'server/main.ts', ...args], { ended }),
    foreground(node, [tool('vite/bin/vite.js'), 'web', '--port', '3000', '--strictPort'], { ended }),
  ]
  const code = await Promise.race(both)
  ended.abort()
  await Promise.all(both)
  return code
}

/** Runs all tests. Arguments go to Vitest. The last output line is the number of tests. */
async function test(args) {
  const count = { passed: 0, failed: 0 }
  let code = 1
  try {
    await prepare({ page: true })
    code = await services()
    if (code === 0) {
      const onMessage = (message) => Object.assign(count, message.tests)
      code = await foreground(nodePath(), [tool('vitest/vitest.mjs'), 'run', ...args], { onMessage })
    }
  } catch (error) {
    report(error)
  }
  if (code !== 0) count.failed ||= 1
  process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`)
  return count.failed > 0 ? 1 : 0
}

/** Installs the services that the tests need; without root or Debian it lists the missing ones. */
async function services() {
  await prepare()
  return await foreground(nodePath(), ['scripts/services/install.ts'])
}

async function check() {
  await prepare()
  return await runChecks(nodePath())
}

async function format(args) {
  await prepare()
  return await foreground(nodePath(), [tool('@biomejs/biome/bin/biome'), 'check', '--write', ...args])
}

async function docs(args) {
  await prepare()
  return await foreground(nodePath(), ['scripts/docs.ts', ...args])
}

/** Looks for leaks between layers and users on a temporary data directory, or in the empty DATABASE_URL. */
async function leakTest() {
  await prepare()
  return await foreground(nodePath(), ['server/main.ts', 'leak-test'])
}

/** Fuzzes document parsers and routes: `[parsers|routes] [--minutes 10] [--seed N]`. Prints the seed. */
async function fuzz(args) {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    },
  })
  say(`Seed ${values.seed}, ${values.minutes} minutes for each target.`)
  Object.assign(process.env, { FUZZ_MINUTES: values.minutes, FUZZ_SEED: values.seed })
  const targets = positionals.length > 0 ? positionals : ['parsers', 'routes']
  return await test(targets.map((target) => `test/fuzz/${target}`))
}

/** Stores a filled database of the current schema for the migration tests. */
async function snapshotSchema(args) {
  await prepare()
  return await foreground(nodePath(), ['scripts/snapshot-schema.ts', ...args])
}

/** Writes dist/ for `npm pack`. */
async function compile() {
  await prepare({ page: true })
  return await foreground(nodePath(), ['--disable-warning=ExperimentalWarning', 'scripts/compile.ts'])
}

/** Writes client/dist, the contents of the package @gabee/client. */
async function buildClient() {
  await prepare()
  return await foreground(nodePath(), ['scripts/build-client.ts'])
}

/** Writes dist-docs/, the documentation as a static site. */
async function buildDocs() {
  await prepare()
  return await foreground(nodePath(), ['scripts/build-docs.ts'])
}

/** Takes the screenshots of the documentation. */
async function screenshots() {
  await prepare({ page: true })
  return await foreground(nodePath(), ['scripts/screenshots.ts'])
}

/** Installs the package that `npm pack` creates into a temporary folder and tries it; takes about a minute. */
async function packageTest() {
  await prepare({ page: true })
  return await foreground(nodePath(), ['scripts/package-test.ts'])
}

/** Restarts two servers behind nginx and Caddy while answers stream; takes five minutes. */
async function rollingRestart(args) {
  const code = await services()
  return code === 0 ? await foreground(nodePath(), ['bench/rolling-restart.ts', ...args]) : code
}

/**
 * Runs a program in the foreground and returns its exit code. Ctrl-C reaches the whole process group, and npm sends the
 * signal once more; with `ownGroup` the program is in another group and receives the signal once, from this process.
 */
function foreground(command, args, { env = process.env, ownGroup = false, onMessage, ended } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      detached: ownGroup && !windows,
    })
    if (onMessage) child.on('message', onMessage)
    let last = { signal: '', at: 0 }
    const forward = (signal) => {
      const isRepeated = last.signal === signal && Date.now() - last.at < 500
      last = { signal, at: Date.now() }
      if (isRepeated) return
      // Windows has no signals; closing the IPC channel stops the child.
      if (!windows) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
      // An open channel keeps a finished child alive.
      if (ownGroup && child.connected) child.disconnect()
    }
    const watch = setInterval(() => isOrphan() && forward('SIGTERM'), 250)
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, forward)
    ended?.signal.addEventListener('abort', () => child.kill('SIGTERM'))
    child.on('error', reject)
    child.on('exit', (code, killedBy) => {
      clearInterval(watch)
      for (const signal of signals) process.off(signal, forward)
      const isStopped = last.signal !== '' || ended?.signal.aborted
      if (killedBy && !isStopped) say(`${path.basename(args[0])} was terminated by ${killedBy}.`)
      resolve(code ?? (isStopped ? 0 : 1))
    })
  })
}

function report(error) {
  if (!(error instanceof Problem)) throw error
  say(error.message)
}

const [name = 'start', ...args] = process.argv.slice(2)
const command = commands[name]
if (!command) {
  say(`Unknown command ${name}. Commands: ${Object.keys(commands).join(', ')}.`)
  process.exit(2)
}
try {
  process.exitCode = await command(args)
} catch (error) {
  report(error)
  process.exitCode = 1
}
