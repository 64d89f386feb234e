import { defineError } from '../errors.ts'

export const webhookNotFound = defineError(404, 'webhook_not_found', () => 'Webhook not found.')
export const tooManyWebhooks = defineError(
  409,
  'too_many_webhooks',
  (max: number) => `An avee can have at most ${max} webhooks. Delete one first.`,
)
