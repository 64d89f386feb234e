// Installs the real parts of the tests that are missing, where it can: on Debian, as root. Elsewhere it says how to get them.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import {
  findChromium,
  findPostgres,
  findProgram,
  findRedis,
  missingParts,
  type PostgresPrograms,
  withVector,
} from './find.ts'

function apt(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    'apt-get',
    ['-q', '-y', '-o', 'DPkg::Lock::Timeout=600', ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  )
  if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

const hasPackage = (name: string) => spawnSync('apt-cache', ['show', name]).status === 0

/** Installs what is missing from Debian's packages. */
function installFromDebian(): void {
  apt('update')
  const packages = [
    ...(findChromium() ? [] : ['chromium', 'fonts-dejavu-core', 'fonts-noto-color-emoji']),
    ...(process.env['TEST_REDIS_URL'] || findRedis() ? [] : ['redis-server']),
    ...(findProgram('curl') ? [] : ['curl', 'ca-certificates']),
    ...(process.env['TEST_DATABASE_URL'] || findPostgres().length > 0 ? [] : ['postgresql']),
  ]
  if (packages.length > 0) apt('install', '--no-install-recommends', ...packages)
  if (process.env['TEST_DATABASE_URL'] || withVector()) return
  const [server] = findPostgres()
  if (!server) return
  const packaged = `postgresql-${server.version}-pgvector`
  if (hasPackage(packaged)) apt('install', '--no-install-recommends', packaged)
  else buildVector(server)
}

/** Debian 12 has no package of pgvector, a later Debian has its source; that comes from the mirror this machine uses. */
function buildVector({ bin, version }: PostgresPrograms): void {
  apt('install', '--no-install-recommends', `postgresql-server-dev-${version}`, 'make', 'gcc', 'libc6-dev')
  const work = mkdtempSync(path.join(tmpdir(), 'gabee-pgvector-'))
  chmodSync(work, 0o755)
  try {
    fetchSource('pgvector', work)
    const archive = readdirSync(work).find((name) => name.includes('.orig.tar'))
    if (!archive) throw new Error('apt-get source brought no source of pgvector.')
    execFileSync('tar', ['-xf', archive, '--strip-components=1'], { cwd: work })
    const settings = ['OPTFLAGS=', 'with_llvm=no', `PG_CONFIG=${path.join(bin, 'pg_config')}`]
    execFileSync('make', [`-j${availableParallelism()}`, ...settings, 'install'], {
      cwd: work,
      stdio: 'pipe',
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Fetches a package's source from a later Debian with lists of its own, so that the machine's own apt stays as it is. */
function fetchSource(name: string, into: string): void {
  const fields = '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(SIGNED_BY)'
  const targets = execFileSync('apt-get', ['indextargets', '--format', fields, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const [, , mirror, signedBy] =
    targets
      .split('\n')
      .map((line) => line.split('|'))
      .find(
        ([origin, component, uri]) =>
          origin === 'Debian' && component === 'main' && !uri?.includes('security'),
      ) ?? []
  if (!mirror) throw new Error('This machine has no Debian mirror among its sources of packages.')
  const keys = signedBy || '/usr/share/keyrings/debian-archive-keyring.gpg'
  const options = [
    `Dir::Etc::SourceList=${into}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${into}/lists`,
  ].flatMap((option) => ['-o', option])
  for (const release of ['trixie', 'sid']) {
    const line = `deb-src [signed-by=${keys}] ${mirror} ${release} main`
    execFileSync('sh', ['-c', 'mkdir -p lists/partial && echo "$0" > sources.list', line], { cwd: into })
    const tried = ['update', 'source'].map((verb) =>
      spawnSync(
        'apt-get',
        [...options, '-q', verb, ...(verb === 'source' ? ['--download-only', name] : [])],
        { cwd: into },
      ),
    )
    if (tried.every(({ status }) => status === 0)) return
  }
  throw new Error(`The source of ${name} is not on ${mirror}.`)
}

function main(): void {
  if (missingParts().length === 0) return
  if (process.getuid?.() === 0 && findProgram('apt-get')) {
    process.stderr.write('Installing what the tests need from Debian (PostgreSQL, Redis, Chromium) …\n')
    installFromDebian()
  }
  const missing = missingParts()
  if (missing.length === 0) return
  const list = missing.map((part) => `  - ${part}\n`).join('')
  process.stderr.write(`The tests that need these are left out:\n${list}`)
  if (process.getuid?.() !== 0 && findProgram('apt-get'))
    process.stderr.write('`sudo npm run services` installs them.\n')
  if (process.env['CI'] === 'true') process.exitCode = 1
}

main()
