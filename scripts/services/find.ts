// Finds the services and programs that the tests use: PostgreSQL with pgvector, Redis, Chromium, Tesseract, curl.
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import path from 'node:path'

const folders = [
  ...(process.env['PATH'] ?? '').split(path.delimiter),
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/usr/bin',
  '/usr/sbin',
]

const canRun = (file: string) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const findProgram = (...names: string[]) =>
  names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(canRun)

export const findChromium = () =>
  [
    process.env['CHROMIUM'] ?? '',
    findProgram('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome') ?? '',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ].find((file) => file !== '' && canRun(file))

export const findRedis = () => findProgram('redis-server', 'valkey-server')

export type PostgresPrograms = { bin: string; version: number; hasVector: boolean }

/** Lists the installed PostgreSQL servers from version 15; those with pgvector first, then the newest. */
export function findPostgres(): PostgresPrograms[] {
  const parents = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']
  const installed = parents.flatMap((parent) =>
    existsSync(parent) ? readdirSync(parent).map((name) => path.join(parent, name, 'bin')) : [],
  )
  return [...new Set([...installed, ...folders])]
    .filter((bin) => ['postgres', 'initdb', 'pg_config'].every((name) => canRun(path.join(bin, name))))
    .map((bin) => {
      const ask = (option: string) =>
        execFileSync(path.join(bin, 'pg_config'), [option], { encoding: 'utf8' }).trim()
      const version = Number(/\d+/.exec(ask('--version'))?.[0] ?? 0)
      return { bin, version, hasVector: existsSync(path.join(ask('--sharedir'), 'extension/vector.control')) }
    })
    .filter(({ version }) => version >= 15)
    .sort((a, b) => Number(b.hasVector) - Number(a.hasVector) || b.version - a.version)
}

export const findPostgresWithVector = () => findPostgres().find(({ hasVector }) => hasVector)

/** Lists what is missing, with instructions. */
export function listMissing(): string[] {
  const requirements: [present: unknown, advice: string][] = [
    [
      process.env['TEST_DATABASE_URL'] || findPostgresWithVector(),
      'PostgreSQL 15 or newer with pgvector: `apt install postgresql-17-pgvector` (Debian 13), `brew install postgresql@17 pgvector`, ' +
        'or TEST_DATABASE_URL with a user that may create databases',
    ],
    [
      process.env['TEST_REDIS_URL'] || findRedis(),
      'Redis: `apt install redis-server`, `brew install redis`, or TEST_REDIS_URL',
    ],
    [findChromium(), 'Chromium: `apt install chromium`, an installed Chrome, or CHROMIUM with its path'],
    [
      findProgram('tesseract'),
      'Tesseract with English: `apt install tesseract-ocr`, `brew install tesseract`',
    ],
    [findProgram('curl'), 'curl: `apt install curl`'],
  ]
  return requirements.filter(([present]) => !present).map(([, advice]) => advice)
}
