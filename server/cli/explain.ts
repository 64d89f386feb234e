import { ApiError } from '../../client/index.ts'
import { type Config, ConfigError } from '../config.ts'
import { AppError } from '../errors.ts'

/** Explains to the operator why a command failed. */
export function explain(thrown: unknown, config: Config | undefined): string {
  if (thrown instanceof ConfigError) return thrown.message
  if (thrown instanceof ApiError && thrown.status === 401)
    return 'The server requires an API key. Create one in its settings and set GABEE_API_KEY.'
  const { code, message } = thrown as NodeJS.ErrnoException
  const { host, port } = config?.server ?? {}
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is in use. Stop the program that uses it, or set PORT to another number.`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `This machine does not have the address ${host}. Set HOST to an address of this machine, for example 127.0.0.1.`
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
