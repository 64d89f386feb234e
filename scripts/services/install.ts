// Installs missing services and programs for the tests on Debian as root; elsewhere it prints instructions.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { prepareChatEngine } from './chat-engine.ts'
import {
  findChromium,
  findPostgres,
  findPostgresWithVector,
  findProgram,
  findRedis,
  listMissing,
  type PostgresPrograms,
} from './find.ts'

/** Runs apt-get. @throws Error with its output */
function apt(args: string[], cwd = '/') {
  const settings = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=600']
  const { status, stdout, stderr } = spawnSync('apt-get', [...settings, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

const aptInstall = (...packages: string[]) => apt(['install', '--no-install-recommends', ...packages])

const hasPackage = (name: string) => spawnSync('apt-cache', ['show', name]).status === 0

/** Installs missing Debian packages. */
function installFromDebian(): void {
  apt(['update'])
  const packages = [
    ...(findChromium() ? [] : ['chromium', 'fonts-dejavu-core', 'fonts-noto-color-emoji']),
    ...(process.env['TEST_REDIS_URL'] || findRedis() ? [] : ['redis-server']),
    ...(findProgram('tesseract') ? [] : ['tesseract-ocr']),
    ...(findProgram('curl') ? [] : ['curl', 'ca-certificates']),
    ...(process.env['TEST_DATABASE_URL'] || findPostgres().length > 0 ? [] : ['postgresql']),
  ]
  if (packages.length > 0) aptInstall(...packages)
  if (process.env['TEST_DATABASE_URL'] || findPostgresWithVector()) return
  const [server] = findPostgres()
  if (!server) return
  const packaged = `postgresql-${server.version}-pgvector`
  if (hasPackage(packaged)) aptInstall(packaged)
  else buildVector(server)
}

/** Builds pgvector from the source package of a later Debian release, because Debian 12 has none. */
function buildVector({ bin, version }: PostgresPrograms): void {
  aptInstall(`postgresql-server-dev-${version}`, 'make', 'gcc', 'libc6-dev')
  const work = mkdtempSync(path.join(tmpdir(), 'gabee-pgvector-'))
  chmodSync(work, 0o755)
  try {
    fetchSource('pgvector', work)
    const archive = readdirSync(work).find((name) => name.includes('.orig.tar'))
    if (!archive) throw new Error('apt-get source returned no source of pgvector')
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

/**
 * Downloads a source package of a later Debian release with separate package lists, without changing the configuration
 * of apt.
 */
function fetchSource(name: string, into: string): void {
  const fields = '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)'
  const targets = execFileSync('apt-get', ['indextargets', '--format', fields, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const [, , mirror] =
    targets
      .split('\n')
      .map((line) => line.split('|'))
      .find(
        ([origin, component, uri]) =>
          origin === 'Debian' && component === 'main' && !uri?.includes('security'),
      ) ?? []
  if (!mirror) throw new Error('No Debian mirror is configured in the package sources')
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const options = [
    `Dir::Etc::SourceList=${into}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${into}/lists`,
  ].flatMap((option) => ['-o', option])
  const failures: unknown[] = []
  for (const release of ['trixie', 'sid']) {
    try {
      mkdirSync(path.join(into, 'lists/partial'), { recursive: true })
      writeFileSync(
        path.join(into, 'sources.list'),
        `deb-src [signed-by=${keys}] ${mirror} ${release} main\n`,
      )
      apt([...options, 'update'], into)
      apt([...options, 'source', '--download-only', name], into)
      return
    } catch (error) {
      failures.push(error)
    }
  }
  throw new AggregateError(failures, `The source of ${name} is not available from ${mirror}`)
}

function main(): void {
  if (listMissing().length === 0) return
  const canInstall = findProgram('apt-get') !== undefined
  const isRoot = process.getuid?.() === 0
  if (canInstall && isRoot) {
    process.stderr.write(
      'Installing services for the tests from Debian packages (PostgreSQL, Redis, Chromium, Tesseract) …\n',
    )
    try {
      installFromDebian()
    } catch (error) {
      console.error(error)
    }
  }
  const missing = listMissing()
  if (missing.length === 0) return
  const list = missing.map((part) => `  - ${part}\n`).join('')
  const isCi = process.env['CI'] === 'true'
  const outcome = isCi ? 'CI requires all of them' : 'tests that need them are skipped'
  process.stderr.write(`Missing (${outcome}):\n${list}`)
  if (canInstall && !isRoot) process.stderr.write('`sudo npm run services` installs them.\n')
  if (isCi) process.exitCode = 1
}

main()
try {
  await prepareChatEngine()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
