import { type App, createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { toAppError } from '../errors.ts'
import type { Command } from './command.ts'

export const serve: Command = {
  usage: '',
  details: `Serves the page and the API until Ctrl-C. Settings are environment variables: docs/configuration.md lists them.

  PORT=8080 DATA_DIR=/var/lib/gabee gabee serve`,
  run: ({ config }) => runServer(config()),
}

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

/** Runs the server until a signal to stop, then closes everything, also after a failed start. */
async function runServer(config: Config): Promise<number> {
  const stopped = waitForStop()
  for (const hint of config.hints) printError(hint)

  await using app = await createApp(config)
  const address = await app.listen()
  await printStartMessage(app, config.server.publicUrl ?? address)

  await stopped
  const { shutdownDelayMs, shutdownGraceMs } = config.server
  setTimeout(
    () => {
      printError('Forced exit; recovery runs on the next start.')
      process.exit(1)
    },
    shutdownDelayMs + shutdownGraceMs + closeTimeoutMs,
  ).unref()
  await app.drain()
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
