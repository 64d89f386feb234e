import { randomBytes } from 'node:crypto'
import { type Client, createClient } from '../../client/index.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../log.ts'

const probeTimeoutMs = 2_000

export type Connection = AsyncDisposable & {
  client: Client
  address: string
  /** Headers that authenticate requests sent without the client. */
  headers: Record<string, string>
}

/** Returns the address of the server that runs with these settings. */
export const localAddress = ({ server: { loopback, host, port } }: Config): string => {
  const name = loopback ? host : '127.0.0.1'
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

export const isRunning = (address: string): Promise<boolean> =>
  fetch(new URL('/health', address), { signal: AbortSignal.timeout(probeTimeoutMs) }).then(
    ({ ok }) => ok,
    () => false,
  )

/**
 * Connects to the server at `url` or to a running one with these settings. Without either, starts a server in this
 * process, on a free loopback port and as the owner, until the connection is disposed.
 */
export async function connect(
  config: () => Config,
  { url, apiKey }: { url: string | undefined; apiKey: string | undefined },
): Promise<Connection> {
  const address = url ?? localAddress(config())
  if (url !== undefined || (await isRunning(address)))
    return { ...connection(address.replace(/\/+$/, ''), apiKey), [Symbol.asyncDispose]: async () => {} }

  const settings = config()
  const ownerToken = randomBytes(32).toString('base64url')
  const server = { ...settings.server, host: '127.0.0.1', port: 0, publicUrl: null }
  try {
    const { createApp } = await import('../app.ts')
    const app = await createApp({ ...settings, server }, { log: createLog('error'), ownerToken })
    const own = await app.listen()
    return { ...connection(own, ownerToken), [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() }
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'data_dir_in_use') throw thrown
    throw new Error(
      `A server is using the data directory ${settings.dataDir}. Set GABEE_URL to its address, or PORT to its port.`,
      { cause: thrown },
    )
  }
}

function connection(address: string, token: string | undefined) {
  return {
    client: createClient({ baseUrl: address, token: () => token }),
    address,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  }
}
