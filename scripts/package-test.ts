// Packs, installs into a temporary prefix as `npm install --global` does, then asks a question with the installed
// package, also of a model in its process, whose engine npm installs.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { tinyGguf } from '../test/tiny-gguf.ts'
import { freePort } from './services/start.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const maxInstalledBytes = 250_000_000
const directory = await mkdtemp(path.join(tmpdir(), 'gabee-package-'))
const say = (line: string) => void process.stdout.write(`${line}\n`)
const npm = (...args: string[]) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
  })

/** Installs the client's package into an empty folder, checks the types of its examples there, and runs one. */
async function tryClient(url: string): Promise<void> {
  const consumer = path.join(directory, 'consumer')
  await mkdir(consumer)
  const [packed] = JSON.parse(
    npm('pack', './client', '--json', '--silent', '--pack-destination', directory),
  ) as [{ filename: string; size: number }]
  await writeFile(path.join(consumer, 'package.json'), '{"type": "module"}')
  npm('install', '--prefix', consumer, '--prefer-offline', path.join(directory, packed.filename))
  const examples = path.join(consumer, 'node_modules/@gabee/client/examples')
  for (const name of ['ask.ts', 'upload.ts']) await cp(path.join(examples, name), path.join(consumer, name))
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')]
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', ...types]
  const node = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: consumer, env: { GABEE_URL: url }, encoding: 'utf8' })
  node(tsc, ...options, 'ask.ts', 'upload.ts')
  const answer = node('ask.ts', 'local', 'When does the lease end?')
  if (!answer.includes('4 May 2031')) throw new Error(`The client prints "${answer}".`)
  say(`${packed.filename}: ${(packed.size / 1e3).toFixed(0)} kB; its examples compile and run.`)
}

let stop = (): unknown => undefined
try {
  const [packed] = JSON.parse(npm('pack', '--json', '--silent', '--pack-destination', directory)) as [
    { filename: string; size: number },
  ]
  say(`${packed.filename}: ${(packed.size / 1e6).toFixed(1)} MB`)
  const prefix = path.join(directory, 'prefix')
  npm('install', '--global', '--prefix', prefix, '--prefer-offline', path.join(directory, packed.filename))
  const files = globSync('**/*', { cwd: prefix, withFileTypes: true }).filter((entry) => entry.isFile())
  const bytes = files.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)
  say(`Installed: ${(bytes / 1e6).toFixed(0)} MB in ${files.length} files`)
  if (bytes > maxInstalledBytes) throw new Error(`The package takes more than ${maxInstalledBytes} bytes.`)

  const port = await freePort()
  const { PATH = '', HOME } = process.env
  const env = {
    HOME,
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${PATH}`,
    DATA_DIR: path.join(directory, 'data'),
    PORT: `${port}`,
    OLLAMA_BASE_URL: 'http://127.0.0.1:9',
  }
  const gabee = path.join(prefix, 'bin/gabee')
  const server = spawn(gabee, [], { env, cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  stop = () => server.kill()
  await once(server.stdout, 'data')
  const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
  if (!page.includes('<div id="root">')) throw new Error('The package has no page.')
  const catalogue = (await (await fetch(`http://127.0.0.1:${port}/models/catalogue`)).json()) as {
    message: string | null
  }
  if (!catalogue.message?.includes('npm install'))
    throw new Error('The package does not say what is optional.')
  const document = path.join(directory, 'lease.md')
  await writeFile(document, 'The lease ends on 4 May 2031.')
  const run = (...args: string[]) => execFileSync(gabee, args, { env, cwd: directory, encoding: 'utf8' })
  run('upload', document)
  const { answer } = JSON.parse(run('ask', 'When does the lease end?', '--json')) as { answer: string }
  if (!answer.includes('4 May 2031')) throw new Error(`The answer is "${answer}".`)
  run('backup', path.join(directory, 'test.backup'))
  await tryClient(`http://127.0.0.1:${port}`)
  run('models', 'install-engine')
  const words = 'Boats berth at the northern quay .'
  await mkdir(path.join(env.DATA_DIR, 'models'), { recursive: true })
  await writeFile(path.join(env.DATA_DIR, 'models/tiny.gguf'), tinyGguf({ words: words.split(' ') }))
  run('models', 'use', 'in_process/tiny')
  const spoken = JSON.parse(run('ask', 'Where do boats berth?', '--json')) as { answer: string }
  if (spoken.answer !== words) throw new Error(`The model in the process answers "${spoken.answer}".`)
  server.kill('SIGTERM')
  const [code] = (await once(server, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`The server exited with ${code}.`)
  say(
    'The installed package serves the page, reads a document, answers, runs a model, makes a backup and stops.',
  )
} finally {
  stop()
  await rm(directory, { recursive: true, force: true })
}
