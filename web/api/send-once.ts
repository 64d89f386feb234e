import { ApiError } from './client.ts'

const pauses = [400, 1_200, 3_000]

/**
 * Sends a request that makes something, again when no answer came: the same key each time, so that one that did arrive
 * is not done twice. An answer, also a refusal, is taken as it is.
 */
export async function sendOnce<T>(
  send: (idempotencyKey: string) => Promise<T>,
  pause: (milliseconds: number) => Promise<void> = wait,
): Promise<T> {
  const key = newKey()
  for (const milliseconds of pauses) {
    try {
      return await send(key)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 0) throw error
    }
    await pause(milliseconds)
  }
  return send(key)
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A random key. Not `randomUUID`, which a page on a plain http address does not have. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
