import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** What goes wrong after `after` tokens of a streamed answer. */
export type Fault =
  /** The socket is destroyed. */
  | 'die'
  /** A clean end of the body, without a word that the answer is whole. */
  | 'cut'
  /** The same in the middle of a line. */
  | 'cut-in-line'
  /** Nothing more comes, and the connection stays. */
  | 'stall'
  /** One line that is no JSON; then the answer goes on. */
  | 'malformed'
  /** An error object, then the end. */
  | 'error'
  /** An error object; then the answer goes on as if nothing were. */
  | 'error-goes-on'
  /** All tokens and the protocol's last line, but no reason why it ended. */
  | 'no-finish'
  /** Whole, but without the protocol's last line, or without its line end. */
  | 'no-done'

/** How one request is answered. Everything left out is as a well-behaved service does it. */
export type Script = {
  tokens?: string[]
  thinking?: string[]
  finish?: 'stop' | 'length'
  /** Milliseconds before the first token and between tokens. */
  firstDelayMs?: number
  delayMs?: number
  fault?: Fault
  /** Tokens before the fault; 5 when left out. */
  after?: number
  /** What an error object or an error answer says. */
  message?: string
  /** Every byte its own chunk. */
  bytewise?: boolean
  /** An error answer instead of a stream. */
  status?: number
  retryAfter?: number
  /** The whole body of an error answer, in place of the protocol's own error shape. */
  body?: string
  /** A proxy's login page with status 200. */
  html?: boolean
  /** Before any header: the socket dies, or nothing ever comes. */
  beforeHeaders?: 'die' | 'hang'
  /** Objects of the stream, one JSON text each, sent as they are in place of the tokens: recorded ones, or a download's progress. */
  frames?: string[]
}

export type SeenRequest = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  /** True once the client has closed the connection before the answer's end. */
  closedEarly: boolean
  /** Resolves when the answer has ended or the connection is gone. */
  closed: Promise<void>
}

/** How a protocol writes things down. */
export type Framing = {
  contentType: string
  /** One object of the stream as bytes of the wire. */
  frame(json: string): string
  token(text: string): object
  thinking(text: string): object
  error(message: string): object
  /** The objects that end an answer, and what follows them on the wire. */
  finish(reason: 'stop' | 'length', tokens: number): object[]
  unfinished(tokens: number): object[]
  last: string
}

/** Plays one streamed answer. */
export async function play(
  response: ServerResponse,
  framing: Framing,
  script: Script,
  tokens: string[],
): Promise<void> {
  if (await playBeforeStream(response, framing, script)) return
  response.writeHead(200, { 'content-type': framing.contentType })
  response.flushHeaders()
  const write = (bytes: string) => writeOut(response, bytes, script.bytewise ?? false)
  const send = (object: object) => write(framing.frame(JSON.stringify(object)))

  if (script.firstDelayMs) await delay(script.firstDelayMs)
  if (script.frames) {
    for (const [i, json] of script.frames.entries()) {
      if (script.fault && i === (script.after ?? 5) && (await playFault(response, framing, script, write)))
        return
      if (i > 0 && script.delayMs) await delay(script.delayMs)
      await write(framing.frame(json))
    }
    await write(framing.last)
    return void response.end()
  }
  for (const text of script.thinking ?? []) await send(framing.thinking(text))
  for (const [i, text] of tokens.entries()) {
    if (script.fault && i === (script.after ?? 5) && (await playFault(response, framing, script, write)))
      return
    if (response.destroyed) return
    if (i > 0 && script.delayMs) await delay(script.delayMs)
    await send(framing.token(text))
  }
  if (
    script.fault &&
    tokens.length <= (script.after ?? 5) &&
    (await playFault(response, framing, script, write))
  )
    return
  const ending =
    script.fault === 'no-finish'
      ? framing.unfinished(tokens.length)
      : framing.finish(script.finish ?? 'stop', tokens.length)
  const bytes = ending.map((object) => framing.frame(JSON.stringify(object))).join('')
  await write(script.fault === 'no-done' ? bytes.trimEnd() : bytes + framing.last)
  response.end()
}

/** Answers that never become a stream. True when there was one. */
export async function playBeforeStream(
  response: ServerResponse,
  framing: Framing,
  script: Script,
): Promise<boolean> {
  if (script.beforeHeaders === 'die') {
    response.socket?.destroy()
    return true
  }
  if (script.beforeHeaders === 'hang') {
    await new Promise((resolve) => response.once('close', resolve))
    return true
  }
  if (script.html) {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(
      '<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>',
    )
    return true
  }
  if (script.status !== undefined) {
    response.writeHead(script.status, {
      'content-type': 'application/json',
      ...(script.retryAfter === undefined ? {} : { 'retry-after': String(script.retryAfter) }),
    })
    response.end(script.body ?? JSON.stringify(framing.error(script.message ?? `scripted ${script.status}`)))
    return true
  }
  return false
}

/** True when the fault ends the answer. */
async function playFault(
  response: ServerResponse,
  framing: Framing,
  script: Script,
  write: (bytes: string) => Promise<void>,
): Promise<boolean> {
  const error = framing.frame(JSON.stringify(framing.error(script.message ?? 'scripted error')))
  switch (script.fault) {
    case 'die':
      // What was written must be on its way before the socket dies.
      await turn()
      response.socket?.destroy()
      return true
    case 'cut':
      response.end()
      return true
    case 'cut-in-line': {
      const line = framing.frame(JSON.stringify(framing.token('half a')))
      response.end(line.slice(0, Math.floor(line.length / 2)))
      return true
    }
    case 'stall':
      await new Promise((resolve) => response.once('close', resolve))
      return true
    case 'malformed':
      await write(framing.frame('{"oops: '))
      return false
    case 'error':
      response.end(error)
      return true
    case 'error-goes-on':
      await write(error)
      return false
    default:
      return false
  }
}

async function writeOut(response: ServerResponse, bytes: string, bytewise: boolean): Promise<void> {
  if (response.destroyed || bytes === '') return
  if (!bytewise) {
    if (!response.write(bytes))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
    return
  }
  for (const byte of Buffer.from(bytes)) {
    response.write(Buffer.of(byte))
    await turn()
  }
}

/** Writes a request down for the test to look at. */
export async function seen(request: IncomingMessage, response: ServerResponse): Promise<SeenRequest> {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) text += chunk as string
  const record: SeenRequest = {
    method: request.method ?? '',
    path: new URL(request.url ?? '/', 'http://upstream').pathname,
    headers: request.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    closedEarly: false,
    closed: new Promise((resolve) => {
      response.once('close', () => {
        record.closedEarly = !response.writableFinished
        resolve()
      })
    }),
  }
  return record
}
