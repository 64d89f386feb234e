// Starts the real parts of the tests for one run of them.
import { spawn, spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findChromium, findRedis, withVector } from './find.ts'

/** Environment variables for the tests: where the parts are. */
export type Services = { env: Record<string, string>; stop: () => Promise<void> }

/** Starts PostgreSQL and Redis for one run of the tests, unless addresses of others were given. */
export async function startServices(): Promise<Services> {
  const [database, cache] = await Promise.all([
    given('TEST_DATABASE_URL') ?? startPostgres(),
    given('TEST_REDIS_URL') ?? startRedis(),
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

type Started = { url: string; stop: () => Promise<void> }

function given(name: string): Started | undefined {
  const url = process.env[name]
  return url ? { url, stop: async () => {} } : undefined
}

async function startPostgres(): Promise<Started | undefined> {
  const found = withVector()
  if (!found) return undefined
  const folder = await mkdtemp(path.join(tmpdir(), 'gabee-postgres-'))
  const who = process.getuid?.() === 0 ? unprivileged() : undefined
  if (who) chownSync(folder, who.uid, who.gid)
  const data = path.join(folder, 'data')
  const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', PGUSER: 'gabee' }
  const made = spawnSync(
    path.join(found.bin, 'initdb'),
    ['-D', data, '-U', 'gabee', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    { ...who, cwd: folder, encoding: 'utf8', env: environment },
  )
  if (made.status !== 0) throw new Error(`initdb failed:\n${made.stdout}${made.stderr}`)
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
    { folder, ...who, env: environment },
  )
  return { url: `postgres://gabee@127.0.0.1:${port}/postgres`, stop }
}

/** PostgreSQL refuses to run as root. */
function unprivileged() {
  const id = (option: string, user: string) => spawnSync('id', [option, user], { encoding: 'utf8' })
  const user = ['postgres', 'nobody'].find((name) => id('-u', name).status === 0)
  if (!user)
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it.')
  return { uid: Number(id('-u', user).stdout), gid: Number(id('-g', user).stdout) }
}

async function startRedis(): Promise<Started | undefined> {
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

// The server ends when the keeper's input does, and so with the process that started it, however that ends; its folder goes with it.
const keeper = `
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } >/dev/null 2>&1 &
wait $server
cd / && rm -rf "$0"`

/** Starts a server in `folder` and waits until it says that it is ready; what it returns stops it. */
async function startProgram(
  program: string,
  args: string[],
  { folder, ...options }: { folder: string; uid?: number; gid?: number; env: NodeJS.ProcessEnv },
): Promise<() => Promise<void>> {
  const child = spawn('sh', ['-c', keeper, folder, program, ...args], {
    ...options,
    cwd: folder,
    detached: true,
    stdio: 'pipe',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (bytes: Buffer) => {
      said += bytes.toString()
      if (/ready to accept connections/i.test(said)) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', reject)
    void ended.then(() => reject(new Error(`${program} did not start:\n${said}`)))
  })
  return async () => {
    child.stdin.end()
    await ended
  }
}

/** A port of this machine that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('No port.')),
      )
    })
  })
}
