import { type App, createApp } from './app.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { AppError, toAppError } from './errors.ts'

/** Beyond the grace period that answers get, how long closing everything may take. */
const closingMs = 10_000

/** How long the model services get to say what they have, before the start goes on. */
const choosingMs = 5_000

const complain = (line: string) => void process.stderr.write(`${line}\n`)

/** Resolves when the process is asked to end. Asked twice, it ends at once. */
function askedToStop(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    // Started by `npm start`, the server goes when that goes, whatever became of it: perhaps while this was loading.
    if (process.connected) process.once('disconnect', resolve)
    else if (process.send) resolve()
  })
}

/** Runs the server until it is asked to stop; then, or when the start fails half-way, everything is closed again. */
async function serve(config: Config): Promise<void> {
  const stop = askedToStop()
  for (const hint of config.hints) complain(hint)

  await using app = await createApp(config)
  const address = await app.listen()
  await introduce(app, config.server.publicUrl ?? address)

  await stop
  setTimeout(() => {
    complain('Closing took too long; ended as if by a power cut, from which the next start recovers.')
    process.exit(1)
  }, config.server.shutdownGraceMs + closingMs).unref()
}

/** The one thing the server prints when all is well: where it is, what answers and why, what to do next. */
async function introduce({ models, accounts }: App, address: string): Promise<void> {
  const answers = await models.selectModel({ signal: AbortSignal.timeout(choosingMs) }).then(
    ({ model, reason }) =>
      model.provider === 'extractive'
        ? `${reason} Until one is, answers quote your documents; the page says how to add one.`
        : `Answers come from ${model.name}. ${reason}`,
    (thrown: unknown) => `No model answers yet: ${toAppError(thrown).message}`,
  )
  const { hasAccounts } = await accounts.state()
  const next = hasAccounts
    ? 'Open that address to sign in.'
    : (await accounts.mode()) === 'personal'
      ? 'Open that address, drop a document on the page, and ask about it. No login is needed on this machine.'
      : 'Open that address and make the first account: it becomes the administrator.'
  process.stdout.write(`\nGabee runs at ${address}\n${answers}\n${next}\n\n`)
}

/** Why the server could not start, in a sentence for who started it. */
function sentence(thrown: unknown, config: Config | undefined): string {
  if (thrown instanceof ConfigError) return thrown.message
  const { code, message } = thrown as NodeJS.ErrnoException
  const { host, port } = config?.server ?? {}
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${host} is in use: end what uses it, or set PORT to another number.`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `This machine has no address ${host} to listen on: set HOST to one that it has, for example 127.0.0.1.`
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `The server may not do that: ${message}.`
  }
  if (thrown instanceof AppError && code === 'database_away' && config?.store.kind === 'postgres') {
    const cause = thrown.cause instanceof Error && thrown.cause.message ? ` (${thrown.cause.message})` : ''
    return `The database at DATABASE_URL cannot be reached${cause}: see that it runs and that address, user and password are right.`
  }
  return message
}

let config: Config | undefined
try {
  config = readConfig(process.env)
  await serve(config)
  process.exitCode = 0
} catch (thrown) {
  complain(`Gabee had to stop: ${sentence(thrown, config)}`)
  process.exitCode = 1
}
// Whatever a room left open must not keep a finished server alive.
setTimeout(() => process.exit(), 1_000).unref()
