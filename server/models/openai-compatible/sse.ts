import { createParser } from 'eventsource-parser'
import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { decodeBody, maxLineCharacters } from '../upstream/body.ts'
import type { ModelService } from '../upstream/service.ts'

/** The data of each event of an SSE body. The last event may lack its blank line, or even its line end. */
export async function* parseSse(
  response: Response,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let ready: string[] = []
  let tooLong = false
  const parser = createParser({
    onEvent: (event) => ready.push(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') tooLong = true
    },
    maxBufferSize: maxLineCharacters,
  })
  for await (const text of decodeBody(response, service, signal)) {
    parser.feed(text)
    if (tooLong) throw badJson(service)
    const events = ready
    ready = []
    yield* events
  }
  parser.feed('\n\n')
  yield* ready
}
