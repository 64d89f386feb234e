import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type Log = Logger

/** What is kept of an error: a database's own has the values of rows in further fields. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  return { name, message, ...code, stack, ...(cause === undefined ? {} : { cause: errorFields(cause) }) }
}

/**
 * The server's log: lines of JSON on standard error, so that standard output stays for people. Nothing that a
 * person wrote or uploaded belongs in it, and no key, token or password.
 */
export function createLog(level: string, to: DestinationStream = destination(2)): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields },
      redact: {
        paths: ['password', '*.password', 'token', '*.token', 'apiKey', '*.apiKey', 'headers', '*.headers'],
        censor: '[secret]',
      },
    },
    to,
  )
}
