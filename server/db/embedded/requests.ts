const byte = (character: string): number => character.charCodeAt(0)
const SYNC = byte('S')
const QUERY = byte('Q')
const FLUSH = byte('H')
const PARSE = byte('P')
const TERMINATE = byte('X')
const DATA_ROW = byte('D')
const HEADER = 5

/** `COPY … FROM STDIN` waits for messages that an engine without a socket cannot receive. */
const COPY_IN = /\bcopy\b[^;]*\bfrom\s+stdin\b/i
const COPY_IN_REFUSED =
  'COPY FROM STDIN is not supported by the embedded database; use INSERT … SELECT FROM unnest(…)'

/**
 * Buffers what a driver writes until it is a complete request: the startup packet, or messages up to Query, Sync, Flush
 * or Terminate. An engine with a single session must not receive a part of a request.
 *
 *   startup packet: int32 length, …            (first, without a type)
 *   message:        byte1 type, int32 length, …    (the length includes itself, not the type)
 */
export class RequestBuffer {
  #rest: Buffer = Buffer.alloc(0)
  #isStarted = false

  /** Returns the requests that `written` completes, in order. */
  add(written: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? written : Buffer.concat([this.#rest, written])
    const requests: Buffer[] = []
    let start = 0
    let offset = 0
    if (!this.#isStarted) {
      if (bytes.length < 4 || bytes.length < bytes.readUInt32BE(0)) return this.#keep(bytes, requests)
      offset = bytes.readUInt32BE(0)
      requests.push(bytes.subarray(0, offset))
      start = offset
      this.#isStarted = true
    }
    let isCopyIn = false
    while (offset + HEADER <= bytes.length) {
      const type = bytes[offset]
      const end = offset + 1 + bytes.readUInt32BE(offset + 1)
      if (end > bytes.length) break
      if (type === QUERY || type === PARSE) isCopyIn ||= COPY_IN.test(text(bytes, offset + HEADER, end))
      if (type === SYNC || type === QUERY || type === FLUSH || type === TERMINATE) {
        const request = bytes.subarray(start, end)
        requests.push(
          isCopyIn ? withoutCopy(request, type === QUERY ? end - start : offset - start) : request,
        )
        start = end
        isCopyIn = false
      }
      offset = end
    }
    return this.#keep(bytes.subarray(start), requests)
  }

  #keep(rest: Buffer, requests: Buffer[]): Buffer[] {
    this.#rest = rest
    return requests
  }
}

/** A startup packet begins with its length, whose first byte is always 0. */
export const isStartup = (request: Uint8Array): boolean => request[0] === 0

export const isTerminate = (request: Uint8Array): boolean => request[0] === TERMINATE

/** Encodes a message. */
function message(type: string, body: string): Buffer {
  const bytes = Buffer.alloc(HEADER + Buffer.byteLength(body) + 1)
  bytes.write(type)
  bytes.writeUInt32BE(bytes.length - 1, 1)
  bytes.write(body, HEADER)
  return bytes
}

/** Ends a connection, without a response. */
export const terminateRequest = Buffer.from([TERMINATE, 0, 0, 0, 4])

/** A request with one SQL string without parameters. */
export const queryRequest = (sql: string): Buffer => message('Q', sql)

/** Returns the only value of the only row in a response; undefined when there is none. */
export function readSingleValue(response: Uint8Array): string | undefined {
  const bytes = Buffer.from(response.buffer, response.byteOffset, response.byteLength)
  for (let at = 0; at + HEADER <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1))
    if (bytes[at] === DATA_ROW) {
      const from = at + HEADER + 2 + 4
      return bytes.toString('utf8', from, from + bytes.readInt32BE(from - 4))
    }
  return undefined
}

/** Returns the start of the text of a statement. */
const text = (bytes: Buffer, from: number, to: number): string =>
  bytes.toString('latin1', from, Math.min(to, from + 2000))

/**
 * Inserts a CopyFail where the engine would wait for data, so that it responds with an error. The engine ignores it if
 * nothing is copied.
 */
const withoutCopy = (request: Buffer, at: number): Buffer =>
  Buffer.concat([request.subarray(0, at), message('f', COPY_IN_REFUSED), request.subarray(at)])
