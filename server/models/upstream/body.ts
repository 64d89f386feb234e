import { createParser } from 'eventsource-parser'
import { badJson } from '../errors.ts'
import { decodeBody, parseReply, type ServiceResponse } from './request.ts'
import type { ModelService } from './service.ts'

/** Limits the buffer for one line of a stream; far above the size of any valid one. */
const maxLineCharacters = 4_194_304

/**
 * Parses a body with one JSON object per line. The last line may lack its line break. Throws `bad_json` for any other
 * line, and `upstream_error` for an object that reports an error.
 */
export async function* parseJsonLines(
  response: ServiceResponse,
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
    for (const line of lines) if (line.trim() !== '') yield parseReply(line, service)
  }
  if (rest.trim() !== '') yield parseReply(rest, service)
}

/** Yields the data of the events of an SSE body. The last event may lack its blank line or its line break. */
export async function* parseSse(
  response: ServiceResponse,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let pending: string[] = []
  let isTooLong = false
  const parser = createParser({
    onEvent: (event) => pending.push(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') isTooLong = true
    },
    maxBufferSize: maxLineCharacters,
  })
  for await (const text of decodeBody(response, service, signal)) {
    parser.feed(text)
    if (isTooLong) throw badJson(service)
    const events = pending
    pending = []
    yield* events
  }
  parser.feed('\n\n')
  yield* pending
}
