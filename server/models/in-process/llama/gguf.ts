import { type FileHandle, open } from 'node:fs/promises'

/** The header of a model file. */
export type GgufHeader = {
  architecture: string
  /** Whether the model embeds texts instead of generating text. */
  isEmbedding: boolean
  contextLength: number
  embeddingLength: number
  vocabularySize: number
  /** The memory of one token of the context window in bytes, with keys and values of 16 bits. */
  bytesPerToken: number
}

// The file is untrusted. A vocabulary of 256,000 tokens makes a header of about 8 MB.
const maxHeaderBytes = 64 * 1_048_576
const maxEntries = 10_000
const maxKeyBytes = 1_000
/** Longer texts, such as chat templates, are skipped. */
const maxTextBytes = 1_000
const bufferBytes = 262_144

const sizes: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const stringType = 8
const arrayType = 9
/** Architectures of encoders, as llama.cpp names them. */
const encoder = /bert|^(?:gemma-embedding|t5encoder)$/

/** Reads a file from its beginning, within the limit of a header. */
function createReader(file: FileHandle) {
  let buffer = Buffer.alloc(0)
  let offset = 0
  /** The offset of the buffer in the file. */
  let start = 0

  async function take(bytes: number): Promise<Buffer> {
    if (bytes > bufferBytes || start + offset + bytes > maxHeaderBytes)
      throw new Error('its header is too large')
    if (offset + bytes > buffer.length) {
      start += offset
      const next = Buffer.alloc(bufferBytes)
      const { bytesRead } = await file.read(next, 0, bufferBytes, start)
      buffer = next.subarray(0, bytesRead)
      offset = 0
      if (bytesRead < bytes) throw new Error('it ends within its header')
    }
    const taken = buffer.subarray(offset, offset + bytes)
    offset += bytes
    return taken
  }
  async function size(): Promise<number> {
    const value = (await take(8)).readBigUInt64LE()
    if (value > BigInt(maxHeaderBytes)) throw new Error('its header is too large')
    return Number(value)
  }
  return {
    take,
    size,
    uint32: async () => (await take(4)).readUInt32LE(),
    skip(bytes: number): void {
      offset += bytes
      if (start + offset > maxHeaderBytes) throw new Error('its header is too large')
    },
  }
}
type Reader = ReturnType<typeof createReader>

async function readText(reader: Reader, maxBytes: number): Promise<string | undefined> {
  const bytes = await reader.size()
  if (bytes <= maxBytes) return (await reader.take(bytes)).toString()
  reader.skip(bytes)
  return undefined
}

function readNumber(type: number, bytes: Buffer): number | undefined {
  if (type === 4) return bytes.readUInt32LE()
  if (type === 5) return bytes.readInt32LE()
  if (type === 10) return Number(bytes.readBigUInt64LE())
  return undefined
}

/** Returns a text, an integer or the length of an array; undefined for everything else. */
async function readValue(reader: Reader): Promise<string | number | { length: number } | undefined> {
  const type = await reader.uint32()
  if (type === stringType) return await readText(reader, maxTextBytes)
  if (type !== arrayType) return readNumber(type, await reader.take(sizeOfType(type)))
  const itemType = await reader.uint32()
  const length = await reader.size()
  if (itemType !== stringType) reader.skip(length * sizeOfType(itemType))
  else for (let i = 0; i < length; i++) reader.skip(await reader.size())
  return { length }
}

function sizeOfType(type: number): number {
  const size = sizes[type]
  if (size === undefined) throw new Error('its header has a value of an unknown type')
  return size
}

/**
 * Reads the header of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) within limits of size.
 * @throws Error that describes the problem of the file
 */
export async function readGgufHeader(file: string): Promise<GgufHeader> {
  await using handle = await open(file)
  const reader = createReader(handle)
  if ((await reader.take(4)).toString('latin1') !== 'GGUF') throw new Error('it is not a GGUF file')
  const version = await reader.uint32()
  if (version !== 2 && version !== 3) throw new Error('it has another version of GGUF')
  await reader.size()
  const count = await reader.size()
  if (count > maxEntries) throw new Error('its header is too large')
  const values = new Map<string, Awaited<ReturnType<typeof readValue>>>()
  for (let i = 0; i < count; i++) {
    const key = await readText(reader, maxKeyBytes)
    const value = await readValue(reader)
    if (key !== undefined) values.set(key, value)
  }

  const architecture = values.get('general.architecture')
  if (typeof architecture !== 'string') throw new Error('its header names no architecture')
  const number = (name: string): number | undefined => {
    const value = values.get(`${architecture}.${name}`)
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
  }
  const contextLength = number('context_length')
  const embeddingLength = number('embedding_length')
  const blocks = number('block_count')
  if (!contextLength || !embeddingLength || !blocks)
    throw new Error('its header does not describe a language model')
  const heads = number('attention.head_count') ?? 1
  const headWidth = embeddingLength / heads
  const keyWidth = number('attention.key_length') ?? headWidth
  const valueWidth = number('attention.value_length') ?? headWidth
  const vocabulary = values.get('tokenizer.ggml.tokens')
  return {
    architecture,
    isEmbedding: encoder.test(architecture) || number('pooling_type') !== undefined,
    contextLength,
    embeddingLength,
    vocabularySize: typeof vocabulary === 'object' ? vocabulary.length : 0,
    bytesPerToken: Math.ceil(
      blocks * (number('attention.head_count_kv') ?? heads) * (keyWidth + valueWidth) * 2,
    ),
  }
}
