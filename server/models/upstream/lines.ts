import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { faultOf, parse } from './call.ts'
import type { Service } from './service.ts'

/** No line of a stream that means well is longer than this many characters. */
export const longestLine = 4_194_304

/**
 * The text of a body as it comes, with characters whole across chunks.
 * Throws `cut` when the connection breaks, the signal's reason when it fires.
 */
export async function* textOf(
  response: Response,
  service: Service,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true })
      if (text !== '') yield text
    }
  } catch (thrown) {
    throw faultOf(thrown, service, signal)
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

/**
 * The objects of a body with one JSON object a line. The last line may lack its line end.
 * Throws `bad_json` for a line that is no object.
 */
export async function* objectsOf(
  response: Response,
  service: Service,
  signal: AbortSignal,
): AsyncGenerator<object> {
  let rest = ''
  for await (const text of textOf(response, service, signal)) {
    rest += text
    if (!text.includes('\n')) {
      if (rest.length > longestLine) throw badJson(service)
      continue
    }
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield object(line, service)
  }
  if (rest.trim() !== '') yield object(rest, service)
}

export function object(text: string, service: Service): object {
  const json = parse(text, service)
  if (typeof json !== 'object' || json === null) throw badJson(service)
  return json
}
