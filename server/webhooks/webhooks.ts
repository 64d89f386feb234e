import { createHmac, randomBytes } from 'node:crypto'
import type { WebhookEvent } from '../../contract/webhooks.ts'
import type { Avees } from '../avees/index.ts'
import { notTheOwner } from '../avees/index.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Encryption } from '../encryption.ts'
import { AppError } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import type { Insight } from '../insight/index.ts'
import type { Jobs } from '../jobs/index.ts'
import { type Network, publicClient } from '../knowledge/index.ts'
import type { RunRecord, Runs } from '../runs/index.ts'
import { tooManyWebhooks, webhookNotFound } from './errors.ts'
import {
  deleteOldDeliveries,
  deleteWebhook,
  findPending,
  findWebhook,
  insertDeliveries,
  insertWebhook,
  listDeliveries,
  listWebhooks,
  type NewEvent,
  updateDelivery,
  type WebhookRow,
} from './store.ts'

export type WebhookDependencies = {
  database: Database
  jobs: Jobs
  runs: Pick<Runs, 'onFinished'>
  insight: Pick<Insight, 'onUnanswered'>
  avees: Avees
  encryption: Encryption
  /** Hosts besides the public internet, as `name` or `name:port`. */
  allowedHosts: string[]
  network?: Network
}

const deliverKind = 'webhooks.deliver'
const maxWebhooks = 10
const maxListed = 50
/** With the backoff of the job queue, the last attempt is 5 to 12 minutes after the first. */
const maxAttempts = 8
const timeoutMs = 10_000
const retentionDays = 30
const hour = 60 * 60_000

/** Notifies other programs of events of an avee, which they then read through the API. */
export function webhooks({
  database,
  jobs,
  runs,
  insight,
  avees,
  encryption,
  allowedHosts,
  network,
}: WebhookDependencies) {
  const { db } = database
  const client = publicClient({ allowedHosts, setting: 'WEBHOOK_ALLOWED_HOSTS', timeoutMs, ...network })

  async function notify(trx: Trx, events: NewEvent[]): Promise<void> {
    if (events.length === 0) return
    for (const id of await insertDeliveries(trx, events))
      await jobs.enqueue(trx, { kind: deliverKind, key: id, input: { id } })
  }

  type TurnOrUpload = { aveeId: string; conversationId?: string; messageId?: string }
  function eventsOf(run: RunRecord, status: string): NewEvent[] {
    const event: WebhookEvent | undefined =
      run.kind === 'chat' ? 'answer.finished' : run.kind === 'ingest' ? 'ingest.finished' : undefined
    if (event === undefined || run.scope === null) return []
    const { aveeId, conversationId, messageId } = run.input as TurnOrUpload
    // Attachments are not documents of the avee.
    if (aveeId !== run.scope) return []
    const ids = { run_id: run.id, conversation_id: conversationId, message_id: messageId }
    const data = { avee_id: run.scope, ...ids, status }
    return [{ aveeId: run.scope, event, subject: run.id, data, userId: run.userId }]
  }

  runs.onFinished((trx, ended, status) =>
    notify(
      trx,
      ended.flatMap((run) => eventsOf(run, status)),
    ),
  )
  insight.onUnanswered(async (trx, { avee_id: aveeId, message_id: question_id }) => {
    const data = { avee_id: aveeId, question_id }
    await notify(trx, [{ aveeId, event: 'question.unanswered', subject: question_id, data }])
  })

  jobs.register<{ id: string }>(deliverKind, {
    concurrency: 4,
    maxAttempts,
    async run({ id }, { attempt, signal }) {
      const delivery = await findPending(db, id)
      if (!delivery) return
      const body = JSON.stringify({
        type: delivery.event,
        timestamp: delivery.created_at.toISOString(),
        data: delivery.data,
      })
      const secret = encryption.decrypt(delivery.secret, contextOf(delivery.webhook_id))
      const result = await client
        .post(
          delivery.url,
          body,
          { ...signatureOf(id, body, secret), 'content-type': 'application/json' },
          signal,
        )
        .then(
          (status) => ({ response_status: status, error: null }),
          (error: unknown) => ({
            response_status: null,
            error: error instanceof AppError ? error.message : 'The request failed.',
          }),
        )
      signal.throwIfAborted()
      const { response_status: status } = result
      const isDelivered = status !== null && status >= 200 && status < 300
      const error = isDelivered ? null : (result.error ?? `The response has the status ${status}.`)
      await updateDelivery(db, id, {
        ...result,
        error,
        attempts: attempt,
        status: isDelivered ? 'delivered' : attempt >= maxAttempts ? 'failed' : 'pending',
      })
      if (!isDelivered && attempt < maxAttempts) throw new Error(`A webhook was not delivered: ${error}`)
    },
  })
  jobs.register('webhooks.retention', {
    everyMs: hour,
    run: async () => deleteOldDeliveries(db, retentionDays),
  })

  async function requireOwned(caller: Caller, aveeIdOrHandle: string) {
    const { avee, isOwner } = await avees.view(caller, aveeIdOrHandle)
    if (!isOwner || caller.aveeId !== null) throw notTheOwner()
    return avee
  }

  /** @throws webhook_not_found also for one of an avee that the caller does not own */
  async function requireWebhook(caller: Caller, id: string): Promise<WebhookRow> {
    const found = await findWebhook(db, id)
    const avee = found && (await requireOwned(caller, found.avee_id).catch(() => undefined))
    if (!found || !avee) throw webhookNotFound()
    return found
  }

  return {
    list: async (caller: Caller, avee: string) =>
      await listWebhooks(db, (await requireOwned(caller, avee)).id),

    /** Returns the webhook with its secret, which is not shown again. */
    async create(caller: Caller, avee: string, { url, events }: { url: string; events: WebhookEvent[] }) {
      const { id: aveeId } = await requireOwned(caller, avee)
      client.assertAllowed(url)
      if ((await listWebhooks(db, aveeId)).length >= maxWebhooks) throw tooManyWebhooks(maxWebhooks)
      const id = newId()
      const secret = `whsec_${randomBytes(32).toString('base64')}`
      const stored = { id, avee_id: aveeId, url, events, secret: encryption.encrypt(secret, contextOf(id)) }
      return { ...(await insertWebhook(db, stored)), secret }
    },

    delete: async (caller: Caller, id: string) => deleteWebhook(db, (await requireWebhook(caller, id)).id),

    deliveries: async (caller: Caller, id: string) =>
      await listDeliveries(db, (await requireWebhook(caller, id)).id, maxListed),

    [Symbol.asyncDispose]: client[Symbol.asyncDispose],
  }
}

export type Webhooks = ReturnType<typeof webhooks>

const contextOf = (webhookId: string) => `webhook ${webhookId}`

/** Headers of the Standard Webhooks specification. */
function signatureOf(id: string, body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
