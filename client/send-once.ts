import { ApiError } from './client.ts'

const delaysMs = [400, 1_200, 3_000]

/**
 * Sends a request and retries it with the same idempotency key, so that the server executes it once, while there is no
 * response, or one from a proxy or a server that is shutting down. Other error responses are not retried.
 */
export async function sendOnce<T>(
  send: (idempotencyKey: string) => Promise<T>,
  pause: (milliseconds: number) => Promise<void> = wait,
  key = createKey(),
): Promise<T> {
  for (const milliseconds of delaysMs) {
    try {
      return await send(key)
    } catch (error) {
      if (!(error instanceof ApiError) || !hasNoServer(error)) throw error
    }
    await pause(milliseconds)
  }
  return send(key)
}

/** Whether no server has processed a request: errors of the API have specific codes. */
const hasNoServer = ({ status, code }: ApiError): boolean =>
  status === 0 ||
  code === 'shutting_down' ||
  ([502, 503, 504].includes(status) && /^(?:http_|refused$)/.test(code))

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Creates a random key; `randomUUID` does not exist in pages on plain HTTP. */
export function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
