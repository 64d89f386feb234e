import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../log.ts'
import { createChannels } from '../channels.ts'
import type { Database } from '../database.ts'
import { databaseUnavailable } from '../errors.ts'
import { translateError } from '../translate-error.ts'

const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 5_000
/**
 * The interval of connection tests, because a connection that a router has dropped cannot be distinguished from an idle
 * one.
 */
const KEEPALIVE_MS = 15_000

/**
 * One connection for the notifications of all channels, opened with the first listener and reopened whenever it is lost.
 * Notifications sent in between are lost, so `onReconnect` of each listener is called.
 */
export function startListener(config: pg.ClientConfig, log: Log) {
  const channels = createChannels()
  const closing = new AbortController()
  let connection: Promise<pg.Client> | undefined

  /** Opens a connection that listens on every channel with listeners. */
  async function connect(): Promise<pg.Client> {
    const socket = new Socket()
    const client = new pg.Client({ ...config, stream: () => socket, query_timeout: KEEPALIVE_MS })
    const destroy = (): void => void socket.destroy()
    closing.signal.addEventListener('abort', destroy)
    const lost = Promise.withResolvers<void>()
    client.on('error', () => lost.resolve())
    client.on('end', () => lost.resolve())
    client.on('notification', ({ channel, payload = '' }) => channels.deliver(channel, payload))
    try {
      await client.connect()
      for (const channel of channels.names()) await client.query(listen(client, channel))
    } catch (error) {
      closing.signal.removeEventListener('abort', destroy)
      destroy()
      throw translateError(error)
    }
    const keepalive = setInterval(
      () => void client.query('select 1').catch(() => lost.resolve()),
      KEEPALIVE_MS,
    )
    void lost.promise.then(async () => {
      clearInterval(keepalive)
      closing.signal.removeEventListener('abort', destroy)
      destroy()
      connection = undefined
      if (!closing.signal.aborted) connection = reconnect()
      await connection?.catch(() => {})
    })
    return client
  }

  function connected(): Promise<pg.Client> {
    connection ??= connect().catch((error: unknown) => {
      connection = undefined
      throw error
    })
    return connection
  }

  async function reconnect(): Promise<pg.Client> {
    log.warn('the connection for notifications was lost; reconnecting')
    for (let waitMs = MIN_RETRY_MS; ; waitMs = Math.min(2 * waitMs, MAX_RETRY_MS)) {
      try {
        const client = await connect()
        channels.reconnected()
        return client
      } catch (error) {
        if (closing.signal.aborted) throw databaseUnavailable(error)
        await pause(waitMs, undefined, { signal: closing.signal })
      }
    }
  }

  return {
    async listen(...[channel, onPayload, onReconnect]: Parameters<Database['listen']>) {
      const remove = channels.add(channel, { onPayload, onReconnect })
      try {
        const client = await connected()
        await client.query(listen(client, channel))
      } catch (error) {
        remove()
        throw translateError(error)
      }
      return async () => {
        remove()
        if (channels.names().includes(channel)) return
        const client = await connection?.catch(() => undefined)
        await client?.query(`unlisten ${client.escapeIdentifier(channel)}`).catch(() => {})
      }
    },
    /** Also aborts an attempt to connect. */
    close(): void {
      closing.abort()
    },
  }
}

const listen = (client: pg.Client, channel: string): string => `listen ${client.escapeIdentifier(channel)}`
