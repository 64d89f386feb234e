import * as z from 'zod/mini'
import { aveeParams, component, describe, id, idParams, ok, timestamp } from './common.ts'
import { operation } from './operation.ts'

export const webhookEvents = ['answer.finished', 'ingest.finished', 'question.unanswered'] as const
export const webhookEvent = describe(
  z.enum(webhookEvents),
  '`answer.finished`: an answer to the owner has ended; `ingest.finished`: an upload has ended; `question.unanswered`: the inbox of the owner has a new question.',
)
export type WebhookEvent = z.infer<typeof webhookEvent>

const webhook = component(
  'Webhook',
  z.object({
    id,
    avee_id: id,
    url: z.string(),
    events: z.array(webhookEvent),
    created_at: timestamp,
  }),
)

const delivery = component(
  'WebhookDelivery',
  z.object({
    id: describe(id, 'The header `webhook-id`, the same in every attempt.'),
    event: webhookEvent,
    status: describe(z.enum(['pending', 'delivered', 'failed']), '`failed` after the last attempt.'),
    attempts: z.int(),
    response_status: describe(z.nullable(z.int()), 'The HTTP status of the last response.'),
    error: z.nullable(z.string()),
    created_at: timestamp,
    finished_at: z.nullable(timestamp),
  }),
)

const tags = ['webhooks'] as const

export const listWebhooks = operation({
  method: 'GET',
  path: '/avees/:id/webhooks',
  tags,
  summary: 'List the webhooks of an avee',
  params: aveeParams,
  responses: { 200: z.object({ webhooks: z.array(webhook) }) },
})

export const createWebhook = operation({
  method: 'POST',
  path: '/avees/:id/webhooks',
  tags,
  summary: 'Create a webhook',
  audit: 'webhook.create',
  description:
    'The server posts `{"type", "timestamp", "data"}` to the URL, with ids and without text, signed according to the Standard Webhooks specification: `webhook-signature` is the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`. Without a 2xx response the delivery is retried with exponential backoff. Addresses must be public or listed in `WEBHOOK_ALLOWED_HOSTS`.',
  params: aveeParams,
  body: z.object({
    url: z.url({ protocol: /^https?$/ }).check(z.maxLength(2_000)),
    events: z._default(z.array(webhookEvent).check(z.minLength(1), z.maxLength(10)), [...webhookEvents]),
  }),
  responses: {
    201: z.extend(webhook, { secret: describe(z.string(), 'Verifies signatures. It is shown only once.') }),
  },
})

export const deleteWebhook = operation({
  method: 'DELETE',
  path: '/webhooks/:id',
  tags,
  summary: 'Delete a webhook',
  audit: 'webhook.delete',
  params: idParams,
  responses: { 200: ok },
})

export const listDeliveries = operation({
  method: 'GET',
  path: '/webhooks/:id/deliveries',
  tags,
  summary: 'List the last deliveries of a webhook',
  description: 'The last 50, newest first. They are kept for 30 days.',
  params: idParams,
  responses: { 200: z.object({ deliveries: z.array(delivery) }) },
})
