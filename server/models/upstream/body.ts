import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { parseJson, toServiceError } from './request.ts'
import type { ModelService } from './service.ts'

/** Bounds the buffer for one line of a stream; far above the size of any valid one. */
export const maxLineCharacters = 4_194_304

/**
 * Decodes a body as it arrives; characters may span chunks. Throws `cut` when the connection is lost, and the signal's
 * reason on abort.
 */
export async function* decodeBody(
  response: Response,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true })
      if (text !== '') yield text
    }
  } catch (thrown) {
    throw toServiceError(thrown, service, signal)
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

/**
 * Parses a body with one JSON object per line. The last line may lack its line break. Throws `bad_json` for any other
 * line.
 */
export async function* parseJsonLines(
  response: Response,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<object> {
  let rest = ''
  for await (const text of decodeBody(response, service, signal)) {
    rest += text
    if (!text.includes('\n')) {
      if (rest.length > maxLineCharacters) throw badJson(service)
      continue
    }
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield parseObject(line, service)
  }
  if (rest.trim() !== '') yield parseObject(rest, service)
}

export function parseObject(text: string, service: ModelService): object {
  const json = parseJson(text, service)
  if (typeof json !== 'object' || json === null) throw badJson(service)
  return json
}
