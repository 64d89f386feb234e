import { loginLink } from '../accounts/index.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'

const usage = `Usage:
  user reset-password USER   Print a link with which the user sets a new password.
  user remove-factors USER   Remove the second factors of the user.
USER is an e-mail address, a handle or an id.
`

/**
 * Helps users who cannot sign in. Opens the database itself, so a server on the embedded database must be stopped first.
 * Returns the exit code: 0 done, 1 failed, 2 wrong usage.
 */
export async function userCommand([action, user, ...rest]: string[], config: Config): Promise<number> {
  const isKnown = action === 'reset-password' || action === 'remove-factors'
  if (!isKnown || user === undefined || rest.length > 0) {
    process.stderr.write(usage)
    return 2
  }
  try {
    await using app = await createApp(config)
    if (action === 'reset-password') {
      const { token, expiresAt } = await app.accounts.createPasswordReset(user)
      const { publicUrl, loopback, host, port } = config.server
      const link = loginLink(publicUrl ?? `http://${loopback ? host : 'localhost'}:${port}`, { reset: token })
      process.stdout.write(`Valid once, until ${expiresAt.toISOString()}:\n${link}\n`)
    } else {
      await app.accounts.removeFactors(user)
      process.stdout.write('Signing in needs no second factor any more.\n')
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
