import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** The fault after `afterTokens` tokens of a streamed answer. */
export type Fault =
  /** The socket is destroyed. */
  | 'die'
  /** The body ends cleanly without the protocol's end marker. */
  | 'cut'
  /** The body ends cleanly in the middle of a line. */
  | 'cut-in-line'
  /** No more bytes are sent while the connection stays open. */
  | 'stall'
  /** One line of invalid JSON, after which the answer continues. */
  | 'malformed'
  /** An error object, then the end of the body. */
  | 'error'
  /** An error object, after which the answer continues. */
  | 'error-goes-on'
  /** All tokens and the protocol's last line, but no finish reason. */
  | 'no-finish'
  /** A complete answer without the protocol's last line or its line break. */
  | 'no-done'

/** The response to one request. Omitted fields have the behaviour of a correct service. */
export type Script = {
  tokens?: string[]
  /** Computes the answer from the received messages. */
  answer?: (messages: { role: string; content: string }[]) => string
  thinking?: string[]
  /** Tool calls after the tokens, which end the answer. */
  toolCalls?: { name: string; arguments: object }[]
  finish?: 'stop' | 'length'
  /** Milliseconds before the first token and between tokens. */
  firstDelayMs?: number
  delayMs?: number
  /** A promise that delays the last token or frame. */
  lastTokenAfter?: Promise<unknown>
  fault?: Fault
  /** Tokens before the fault. Default 5. */
  afterTokens?: number
  /** The message of an error object or an error response. */
  message?: string
  /** Writes each byte as a separate chunk. */
  isBytewise?: boolean
  /** Responds with this error status instead of a stream. */
  status?: number
  retryAfter?: number
  /** The complete body of an error response, instead of the protocol's error shape. */
  body?: string
  /** Responds with a proxy's login page and status 200. */
  html?: boolean
  /** A fault before any header: the socket is destroyed, or nothing is sent. */
  beforeHeaders?: 'die' | 'hang'
  /** Stream objects as JSON texts, sent verbatim instead of tokens: recordings, or the progress of a download. */
  frames?: string[]
}

export type ReceivedRequest = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  /** Whether the client closed the connection before the end of the response. */
  closedEarly: boolean
  /** Resolves when the response has ended or the connection is closed. */
  closed: Promise<void>
}

/** How a protocol encodes its stream objects. */
export type Framing = {
  contentType: string
  /** Encodes one stream object for the wire. */
  frame(json: string): string
  /** The objects that begin a stream. */
  first?: object[]
  token(text: string): object
  thinking(text: string): object
  /** The objects of a tool call in the protocol. */
  toolCall(call: { name: string; arguments: object }, index: number): object[]
  error(message: string): object
  /** The objects that end an answer; `last` follows them on the wire. */
  finish(reason: 'stop' | 'length' | 'tool_calls', tokens: number): object[]
  unfinished(tokens: number): object[]
  last: string
}

/** Streams one answer according to its script. */
export async function playScript(
  response: ServerResponse,
  framing: Framing,
  script: Script,
  tokens: string[],
): Promise<void> {
  if (await playBeforeStream(response, framing, script)) return
  response.writeHead(200, { 'content-type': framing.contentType })
  response.flushHeaders()
  const write = (bytes: string) => writeOut(response, bytes, script.isBytewise ?? false)
  const send = (object: object) => write(framing.frame(JSON.stringify(object)))

  if (script.firstDelayMs) await delay(script.firstDelayMs)
  if (script.frames) {
    for (const [i, json] of script.frames.entries()) {
      if (
        script.fault &&
        i === (script.afterTokens ?? 5) &&
        (await playFault(response, framing, script, write))
      )
        return
      if (i > 0 && script.delayMs) await delay(script.delayMs)
      if (i === script.frames.length - 1) await script.lastTokenAfter
      await write(framing.frame(json))
    }
    await write(framing.last)
    return void response.end()
  }
  for (const object of framing.first ?? []) await send(object)
  for (const text of script.thinking ?? []) await send(framing.thinking(text))
  for (const [i, text] of tokens.entries()) {
    if (
      script.fault &&
      i === (script.afterTokens ?? 5) &&
      (await playFault(response, framing, script, write))
    )
      return
    if (response.destroyed) return
    if (i > 0 && script.delayMs) await delay(script.delayMs)
    if (i === tokens.length - 1) await script.lastTokenAfter
    await send(framing.token(text))
  }
  if (
    script.fault &&
    tokens.length <= (script.afterTokens ?? 5) &&
    (await playFault(response, framing, script, write))
  )
    return
  for (const [i, call] of (script.toolCalls ?? []).entries())
    for (const object of framing.toolCall(call, i)) await send(object)
  const ending =
    script.fault === 'no-finish'
      ? framing.unfinished(tokens.length)
      : framing.finish(script.toolCalls ? 'tool_calls' : (script.finish ?? 'stop'), tokens.length)
  const bytes = ending.map((object) => framing.frame(JSON.stringify(object))).join('')
  await write(script.fault === 'no-done' ? bytes.trimEnd() : bytes + framing.last)
  response.end()
}

/** Sends a scripted response that is not a stream. Returns whether there was one. */
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

/** Returns whether the fault ended the answer. */
async function playFault(
  response: ServerResponse,
  framing: Framing,
  script: Script,
  write: (bytes: string) => Promise<void>,
): Promise<boolean> {
  const error = framing.frame(JSON.stringify(framing.error(script.message ?? 'scripted error')))
  switch (script.fault) {
    case 'die':
      // Waits until written bytes are sent before the socket is destroyed.
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

/** Reads and records a request. */
export async function receiveRequest(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<ReceivedRequest> {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) text += chunk as string
  const record: ReceivedRequest = {
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
