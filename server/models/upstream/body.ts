import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { parseJson, toServiceError } from './request.ts'
import type { ModelService } from './service.ts'

/** No line of a stream that means well is longer than this many characters. */
export const maxLineCharacters = 4_194_304

/**
 * The text of a body as it comes, with characters whole across chunks.
 * Throws `cut` when the connection breaks, the signal's reason when it fires.
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
 * The objects of a body with one JSON object a line. The last line may lack its line end.
 * Throws `bad_json` for a line that is no object.
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
