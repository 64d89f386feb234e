import { exportDamaged } from '../errors.ts'

/** A conversation of thousands of messages takes a few megabytes. */
const maxElementBytes = 32 * 1024 * 1024
const maxDepth = 20_000

const [quote, backslash] = [0x22, 0x5c]
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])
const openingArray = 0x5b

/**
 * Yields the objects of a JSON array, or a single object, as they arrive, so that memory use does not grow with the
 * file.
 * @throws export_damaged
 */
export async function* jsonObjects(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  /** The depth of complete objects: 1 in an array, otherwise 0. */
  let rootDepth = -1
  let depth = 0
  let isInString = false
  let isEscaped = false
  let parts: Buffer[] = []
  let bytes = 0

  for await (const chunk of chunks) {
    let start = bytes > 0 ? 0 : -1
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i] ?? 0
      if (isInString) {
        if (isEscaped) isEscaped = false
        else if (byte === backslash) isEscaped = true
        else if (byte === quote) isInString = false
      } else if (byte === quote) isInString = true
      else if (opening.has(byte)) {
        if (rootDepth === -1) rootDepth = byte === openingArray ? 1 : 0
        if (depth === rootDepth) start = i
        depth += 1
        if (depth > maxDepth) throw exportDamaged('it is nested too deeply.')
      } else if (closing.has(byte)) {
        depth -= 1
        if (depth === rootDepth && start !== -1) {
          parts.push(chunk.subarray(start, i + 1))
          yield parse(Buffer.concat(parts))
          ;[parts, bytes, start] = [[], 0, -1]
        }
      }
    }
    if (start === -1) continue
    parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > maxElementBytes) throw exportDamaged('a conversation in it is too large.')
  }
  if (depth !== 0 || isInString || rootDepth === -1) throw exportDamaged('it is not JSON, or is incomplete.')
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    throw exportDamaged('its JSON is malformed.')
  }
}
