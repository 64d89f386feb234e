import { EventSourceParserStream } from 'eventsource-parser/stream'

/** One event of a run as a client receives it. */
export type ReceivedEvent = { id: number; data: Record<string, unknown> }

/** Yields the events of a stream as they arrive. Comments (`: ping`) are skipped. */
export async function* readEvents(response: Response): AsyncGenerator<ReceivedEvent> {
  if (!response.ok || !response.body) {
    throw new Error(`Expected a stream, got status ${response.status}: ${await response.text()}`)
  }
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { id, data } of events) {
    yield { id: Number(id), data: JSON.parse(data) as Record<string, unknown> }
  }
}

/** Returns all events of a stream. */
export async function collectEvents(response: Response): Promise<ReceivedEvent[]> {
  return await Array.fromAsync(readEvents(response))
}

/** Concatenates the answer tokens of the events. */
export const textOf = (events: ReceivedEvent[]): string =>
  events
    .map(({ data }) => data['token'] ?? data['content'])
    .filter((text) => typeof text === 'string')
    .join('')
