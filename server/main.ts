import { type App, createApp } from './app.ts'
import { leakTest } from './cli/leak-test.ts'
import { mcpCommand } from './cli/mcp.ts'
import { userCommand } from './cli/user.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { AppError, toAppError } from './errors.ts'

/** Time for closing all modules, in addition to the grace period of answers. */
const closeTimeoutMs = 10_000

/** Timeout of the model selection for the start message. */
const modelTimeoutMs = 5_000

const printError = (line: string) => void process.stderr.write(`${line}\n`)

/** Resolves at the first SIGINT or SIGTERM; the second exits at once. */
function waitForStop(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    const stop = () => {
      if (isStopping) process.exit(1)
      isStopping = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    // `npm start` connects an IPC channel: the server stops when that process ends, even while the server is loading.
    if (process.connected) process.once('disconnect', resolve)
    else if (process.send) resolve()
  })
}

/** Runs the server until it is asked to stop. Closes everything then, and also if the start fails. */
async function serve(config: Config): Promise<number> {
  const stopped = waitForStop()
  for (const hint of config.hints) printError(hint)

  await using app = await createApp(config)
  const address = await app.listen()
  await printStartMessage(app, config.server.publicUrl ?? address)

  await stopped
  setTimeout(() => {
    printError('Forced exit; recovery runs on the next start.')
    process.exit(1)
  }, config.server.shutdownGraceMs + closeTimeoutMs).unref()
  return 0
}

/** Prints the address, the selected model with the reason, and the next step. */
async function printStartMessage({ models, accounts }: App, address: string): Promise<void> {
  const modelMessage = await models.selectModel({ signal: AbortSignal.timeout(modelTimeoutMs) }).then(
    ({ model, reason }) =>
      model.provider === 'extractive'
        ? `${reason} Until you add one, answers quote your documents. The page explains how to add a model.`
        : `Model: ${model.name}. ${reason}`,
    (thrown: unknown) => `No model is available: ${toAppError(thrown).message}`,
  )
  const { hasAccounts } = await accounts.state()
  const setupToken = await accounts.setupToken()
  const next = hasAccounts
    ? 'Open the address to sign in.'
    : (await accounts.mode()) === 'personal'
      ? 'Open the address, drop a document on the page, and ask about it. No sign-in is needed on this machine.'
      : `Create the first account, which becomes the administrator, at ${address}/login#setup_token=${setupToken}`
  process.stdout.write(`\nGabee runs at ${address}\n${modelMessage}\n${next}\n\n`)
}

/** Explains a failed start to the operator. */
function explain(thrown: unknown, config: Config | undefined): string {
  if (thrown instanceof ConfigError) return thrown.message
  const { code, message } = thrown as NodeJS.ErrnoException
  const { host, port } = config?.server ?? {}
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is in use. Stop the program that uses it, or set PORT to another number.`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `This machine has no address ${host}. Set HOST to one that it has, for example 127.0.0.1.`
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `Permission denied: ${message}.`
  }
  if (thrown instanceof AppError && code === 'database_away' && config?.databaseUrl) {
    const cause = thrown.cause instanceof Error && thrown.cause.message ? ` (${thrown.cause.message})` : ''
    return `The database at DATABASE_URL is not reachable${cause}. Check that it runs and that the address, user and password are correct.`
  }
  return message
}

/** Runs a command with the settings and returns its exit code. */
async function start(command: (config: Config) => Promise<number>): Promise<number> {
  let config: Config | undefined
  try {
    config = readConfig(process.env)
    return await command(config)
  } catch (thrown) {
    printError(`Gabee could not start: ${explain(thrown, config)}`)
    return 1
  }
}

const [command, ...args] = process.argv.slice(2)
process.exitCode =
  command === 'leak-test'
    ? await leakTest(process.env['DATABASE_URL'])
    : await start(
        command === 'user'
          ? (config) => userCommand(args, config)
          : command === 'mcp'
            ? (config) =>
                mcpCommand(config, { url: process.env['GABEE_URL'], apiKey: process.env['GABEE_API_KEY'] })
            : serve,
      )
// An open handle must not keep a stopped server alive.
setTimeout(() => process.exit(), 1_000).unref()
