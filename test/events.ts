import { EventSourceParserStream } from 'eventsource-parser/stream'

/** One event of a run as a client sees it. */
export type SeenEvent = { id: number; data: Record<string, unknown> }

/** Reads a stream of events to its end, each as it comes. Comments (`: ping`) are not events. */
export async function* readEvents(response: Response): AsyncGenerator<SeenEvent> {
  if (!response.ok || !response.body) {
    throw new Error(`No stream but ${response.status}: ${await response.text()}`)
  }
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { id, data } of events) {
    yield { id: Number(id), data: JSON.parse(data) as Record<string, unknown> }
  }
}

/** All events of a stream. */
export async function allEvents(response: Response): Promise<SeenEvent[]> {
  return await Array.fromAsync(readEvents(response))
}

/** The answer's text: all tokens of the events, in order. */
export const textOf = (events: SeenEvent[]): string =>
  events
    .map(({ data }) => data['token'] ?? data['content'])
    .filter((text) => typeof text === 'string')
    .join('')
