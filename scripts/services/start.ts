// Starts the services that a test run uses.
import { spawn, spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findChromium, findPostgresWithVector, findRedis } from './find.ts'

/** Running services; `env` contains their addresses. */
export type Services = { env: Record<string, string>; stop: () => Promise<void> }

/** Starts PostgreSQL and Redis, unless the environment contains addresses. */
export async function startServices(): Promise<Services> {
  const [database, cache] = await Promise.all([
    fromEnvironment('TEST_DATABASE_URL') ?? startPostgres(),
    fromEnvironment('TEST_REDIS_URL') ?? startRedis(),
  ])
  const env: Record<string, string> = {}
  if (database) env['TEST_DATABASE_URL'] = database.url
  if (cache) env['TEST_REDIS_URL'] = cache.url
  const chromium = findChromium()
  if (chromium) env['CHROMIUM'] = chromium
  return {
    env,
    stop: async () => {
      await Promise.all([database?.stop(), cache?.stop()])
    },
  }
}

type Service = { url: string; stop: () => Promise<void> }

function fromEnvironment(name: string): Service | undefined {
  const url = process.env[name]
  return url ? { url, stop: async () => {} } : undefined
}

async function startPostgres(): Promise<Service | undefined> {
  const found = findPostgresWithVector()
  if (!found) return undefined
  const folder = await mkdtemp(path.join(tmpdir(), 'gabee-postgres-'))
  const account = process.getuid?.() === 0 ? findUnprivilegedAccount() : undefined
  if (account) chownSync(folder, account.uid, account.gid)
  const data = path.join(folder, 'data')
  const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', PGUSER: 'gabee' }
  const result = spawnSync(
    path.join(found.bin, 'initdb'),
    ['-D', data, '-U', 'gabee', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    { ...account, cwd: folder, encoding: 'utf8', env: environment },
  )
  if (result.status !== 0) throw new Error(`initdb failed:\n${result.stdout}${result.stderr}`)
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '200',
    fsync: 'off',
    full_page_writes: 'off',
  }
  const stop = await startProgram(
    path.join(found.bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      `${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { folder, ...account, env: environment },
  )
  return { url: `postgres://gabee@127.0.0.1:${port}/postgres`, stop }
}

/** Returns an unprivileged account, because PostgreSQL refuses to run as root. */
function findUnprivilegedAccount() {
  const id = (option: string, user: string) => spawnSync('id', [option, user], { encoding: 'utf8' })
  const user = ['postgres', 'nobody'].find((name) => id('-u', name).status === 0)
  if (!user)
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it.')
  return { uid: Number(id('-u', user).stdout), gid: Number(id('-g', user).stdout) }
}

async function startRedis(): Promise<Service | undefined> {
  const program = findRedis()
  if (!program) return undefined
  const folder = await mkdtemp(path.join(tmpdir(), 'gabee-redis-'))
  const port = await freePort()
  const args = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: await startProgram(program, args, { folder, env: process.env }),
  }
}

// Stops the server and deletes its folder when standard input closes, which happens however the parent process ends.
const supervisor = `
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } >/dev/null 2>&1 &
wait $server
cd / && rm -rf "$0"`

/** Starts a server in `folder` and waits until it is ready. Returns a function that stops it. */
async function startProgram(
  program: string,
  args: string[],
  { folder, ...options }: { folder: string; uid?: number; gid?: number; env: NodeJS.ProcessEnv },
): Promise<() => Promise<void>> {
  const child = spawn('sh', ['-c', supervisor, folder, program, ...args], {
    ...options,
    cwd: folder,
    detached: true,
    stdio: 'pipe',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (bytes: Buffer) => {
      output += bytes.toString()
      if (/ready to accept connections/i.test(output)) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', reject)
    void ended.then(() => reject(new Error(`${program} did not start:\n${output}`)))
  })
  return async () => {
    child.stdin.end()
    await ended
  }
}

/** Returns a port that is currently free. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('No free port')),
      )
    })
  })
}
