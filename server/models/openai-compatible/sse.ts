import { createParser } from 'eventsource-parser'
import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { decodeBody, maxLineCharacters } from '../upstream/body.ts'
import type { ModelService } from '../upstream/service.ts'

/** Yields the data of the events of an SSE body. The last event may lack its blank line or its line break. */
export async function* parseSse(
  response: Response,
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
