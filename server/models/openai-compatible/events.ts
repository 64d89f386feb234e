import { createParser } from 'eventsource-parser'
import type { Response } from 'undici'
import { badJson } from '../errors.ts'
import { longestLine, textOf } from '../upstream/lines.ts'
import type { Service } from '../upstream/service.ts'

/** The data of each event of an SSE body. The last event may lack its blank line, or even its line end. */
export async function* eventsOf(
  response: Response,
  service: Service,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let ready: string[] = []
  let tooLong = false
  const parser = createParser({
    onEvent: (event) => ready.push(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') tooLong = true
    },
    maxBufferSize: longestLine,
  })
  for await (const text of textOf(response, service, signal)) {
    parser.feed(text)
    if (tooLong) throw badJson(service)
    const events = ready
    ready = []
    yield* events
  }
  parser.feed('\n\n')
  yield* ready
}
