import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../log.ts'
import { channels } from '../channels.ts'
import type { Database } from '../database.ts'
import { databaseAway } from '../errors.ts'
import { explain } from '../explain.ts'

const FIRST_RETRY = 100
const LAST_RETRY = 5_000
/** A connection that a router has forgotten looks like a quiet one; so often it has to answer. */
const PROOF_OF_LIFE = 15_000

/**
 * One connection for everything that is listened to, made when the first listener comes and made again, for as long
 * as it takes, when it is lost. What was sent meanwhile is gone, so each listener is then told.
 */
export function startListener(config: pg.ClientConfig, log: Log) {
  const listening = channels()
  const ending = new AbortController()
  let connection: Promise<pg.Client> | undefined

  /** A connection that listens on every channel somebody listens on. */
  async function connect(): Promise<pg.Client> {
    const socket = new Socket()
    const client = new pg.Client({ ...config, stream: () => socket, query_timeout: PROOF_OF_LIFE })
    const cut = (): void => void socket.destroy()
    ending.signal.addEventListener('abort', cut)
    const lost = Promise.withResolvers<void>()
    client.on('error', () => lost.resolve())
    client.on('end', () => lost.resolve())
    client.on('notification', ({ channel, payload = '' }) => listening.deliver(channel, payload))
    try {
      await client.connect()
      for (const channel of listening.names()) await client.query(listen(client, channel))
    } catch (error) {
      ending.signal.removeEventListener('abort', cut)
      cut()
      throw explain(error)
    }
    const proof = setInterval(() => void client.query('select 1').catch(() => lost.resolve()), PROOF_OF_LIFE)
    void lost.promise.then(async () => {
      clearInterval(proof)
      ending.signal.removeEventListener('abort', cut)
      cut()
      connection = undefined
      if (!ending.signal.aborted) connection = reconnect()
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
    log.warn('the connection for notifications was lost; connecting again')
    for (let wait = FIRST_RETRY; ; wait = Math.min(2 * wait, LAST_RETRY)) {
      try {
        const client = await connect()
        listening.reconnected()
        return client
      } catch (error) {
        if (ending.signal.aborted) throw databaseAway(error)
        await pause(wait, undefined, { signal: ending.signal })
      }
    }
  }

  return {
    async listen(...[channel, onPayload, onReconnect]: Parameters<Database['listen']>) {
      const remove = listening.add(channel, { onPayload, onReconnect })
      try {
        const client = await connected()
        await client.query(listen(client, channel))
      } catch (error) {
        remove()
        throw explain(error)
      }
      return async () => {
        remove()
        if (listening.names().includes(channel)) return
        const client = await connection?.catch(() => undefined)
        await client?.query(`unlisten ${client.escapeIdentifier(channel)}`).catch(() => {})
      }
    },
    /** Also ends an attempt to connect. */
    close(): void {
      ending.abort()
    },
  }
}

const listen = (client: pg.Client, channel: string): string => `listen ${client.escapeIdentifier(channel)}`
