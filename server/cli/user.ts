import { loginLink } from '../accounts/index.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { type Command, UsageError } from './command.ts'

export const user: Command = {
  usage: 'reset-password|remove-factors USER',
  positionals: [2, 2],
  details: `USER is an e-mail address, a handle or an id. If the server uses the embedded database, stop it first.

  gabee user reset-password ann@example.org    Print a link with which the user sets a new password.
  gabee user remove-factors ann@example.org    Remove the second factors of the user.`,
  async run({ config, server, terminal, positionals: [action = '', name = ''] }) {
    if (action !== 'reset-password' && action !== 'remove-factors')
      throw new UsageError(`Unknown action ${action}.`)
    if (server.url !== undefined) {
      terminal.note(
        'This command changes the database of this machine, not the server at GABEE_URL. Run it on the machine of the server, without GABEE_URL.',
      )
      return 1
    }
    return await helpUser(action, name, config())
  },
}

async function helpUser(
  action: 'reset-password' | 'remove-factors',
  user: string,
  config: Config,
): Promise<number> {
  try {
    await using app = await createApp(config)
    if (action === 'reset-password') {
      const { token, expiresAt } = await app.accounts.createPasswordReset(user)
      const { publicUrl, loopback, host, port } = config.server
      const link = loginLink(publicUrl ?? `http://${loopback ? host : 'localhost'}:${port}`, { reset: token })
      process.stdout.write(`Valid once, until ${expiresAt.toISOString()}:\n${link}\n`)
    } else {
      await app.accounts.removeFactors(user)
      process.stdout.write('Signing in no longer requires a second factor.\n')
    }
    return 0
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code === 'database_away') throw thrown
    const message = thrown.code === 'data_dir_in_use' ? serverIsRunning(config.dataDir) : thrown.message
    process.stderr.write(`${message}\n`)
    return 1
  }
}

const serverIsRunning = (dir: string) =>
  `A server is using the data directory ${dir}. Stop it, run this command again, then start it. On a running server, administrators create links for new passwords (POST /admin/users/{id}/password-reset).`
