const byte = (letter: string): number => letter.charCodeAt(0)
const SYNC = byte('S')
const QUERY = byte('Q')
const FLUSH = byte('H')
const PARSE = byte('P')
const TERMINATE = byte('X')
const DATA_ROW = byte('D')
const HEADER = 5

/** `COPY … FROM STDIN` waits for messages that an engine without a socket can never get. */
const COPY_IN = /\bcopy\b[^;]*\bfrom\s+stdin\b/i
const COPY_IN_REFUSED = 'COPY FROM STDIN does not work embedded; use INSERT … SELECT FROM unnest(…)'

/**
 * Collects what a driver writes until it is something the engine can answer as a whole: the startup packet, or
 * messages up to Query, Sync, Flush or Terminate. An engine with a single session must never see half of it.
 *
 *   startup packet: int32 length, …            (first, no letter)
 *   message:        letter, int32 length, …    (length counts itself, not the letter)
 */
export class Units {
  #held: Buffer = Buffer.alloc(0)
  #started = false

  /** The units that `written` completes, in order. */
  add(written: Buffer): Buffer[] {
    const bytes = this.#held.length === 0 ? written : Buffer.concat([this.#held, written])
    const units: Buffer[] = []
    let begin = 0
    let at = 0
    if (!this.#started) {
      if (bytes.length < 4 || bytes.length < bytes.readUInt32BE(0)) return this.#hold(bytes, units)
      at = bytes.readUInt32BE(0)
      units.push(bytes.subarray(0, at))
      begin = at
      this.#started = true
    }
    let copyIn = false
    while (at + HEADER <= bytes.length) {
      const letter = bytes[at]
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) break
      if (letter === QUERY || letter === PARSE) copyIn ||= COPY_IN.test(text(bytes, at + HEADER, end))
      if (letter === SYNC || letter === QUERY || letter === FLUSH || letter === TERMINATE) {
        const unit = bytes.subarray(begin, end)
        units.push(copyIn ? withoutCopy(unit, letter === QUERY ? end - begin : at - begin) : unit)
        begin = end
        copyIn = false
      }
      at = end
    }
    return this.#hold(bytes.subarray(begin), units)
  }

  #hold(rest: Buffer, units: Buffer[]): Buffer[] {
    this.#held = rest
    return units
  }
}

/** Its length comes first, and is never as long as to make the first byte anything but 0. */
export const isStartup = (unit: Uint8Array): boolean => unit[0] === 0

export const isTerminate = (unit: Uint8Array): boolean => unit[0] === TERMINATE

/** A message with a letter. */
function message(letter: string, body: string): Buffer {
  const bytes = Buffer.alloc(HEADER + Buffer.byteLength(body) + 1)
  bytes.write(letter)
  bytes.writeUInt32BE(bytes.length - 1, 1)
  bytes.write(body, HEADER)
  return bytes
}

/** Ends a connection; it has no answer. */
export const terminateUnit = Buffer.from([TERMINATE, 0, 0, 0, 4])

/** A unit of one SQL string without parameters. */
export const queryUnit = (sql: string): Buffer => message('Q', sql)

/** The only value of the only row in an answer; nothing when there is none. */
export function valueIn(answer: Uint8Array): string | undefined {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  for (let at = 0; at + HEADER <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1))
    if (bytes[at] === DATA_ROW) {
      const from = at + HEADER + 2 + 4
      return bytes.toString('utf8', from, from + bytes.readInt32BE(from - 4))
    }
  return undefined
}

/** A statement's text, of which only the start matters. */
const text = (bytes: Buffer, from: number, to: number): string =>
  bytes.toString('latin1', from, Math.min(to, from + 2000))

/** Puts a CopyFail where the engine would wait for data: it answers with an error. Where there is no copy, it skips the message. */
const withoutCopy = (unit: Buffer, at: number): Buffer =>
  Buffer.concat([unit.subarray(0, at), message('f', COPY_IN_REFUSED), unit.subarray(at)])
