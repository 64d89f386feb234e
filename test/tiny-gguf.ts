/** Writes tiny llama models with real attention, small random weights, and a head that continues word by word. */

const width = 64
const layers = 2
const heads = 4
const keyHeads = 2
const hidden = 128
const vocabularySize = 352
/** The dimensions for the words that a model can write; the others distinguish other tokens. */
const sayable = 32

const types = { uint32: 4, float32: 6, string: 8, array: 9 } as const

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const uint64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const float32 = (values: Iterable<number>) => Buffer.from(Float32Array.from(values).buffer)
const text = (value: string) => Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)])

const entry = (name: string, type: number, ...value: Buffer[]) =>
  Buffer.concat([text(name), uint32(type), ...value])
const list = (name: string, type: number, values: Buffer[]) =>
  entry(name, types.array, uint32(type), uint64(values.length), ...values)

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}

export type TinyGguf = {
  /** The fixed answer: at most 31 different words. */
  words: string[]
  /** Whether it starts again after the last word instead of ending its answer. */
  isEndless?: boolean
  /** Whether its vectors are pooled to one per text. */
  isEmbedding?: boolean
  contextLength?: number
  seed?: number
}

/**
 * Returns a model of the architecture `llama` in the format GGUF 3. The head maps each of `words` to the next one, the last
 * one to the end, and every other token to the first.
 */
export function tinyGguf({
  words,
  isEndless = false,
  isEmbedding = false,
  contextLength = 2_048,
  seed = 1,
}: TinyGguf): Buffer {
  const said = words.map((word, i) => (i === 0 ? word : `▁${word}`))
  const specials = ['<unk>', '<s>', '</s>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>']
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz▁.,?!{}":')
  const tokens = [...specials, ...bytes, ...letters, ...said]
  while (tokens.length < vocabularySize) tokens.push(`<unused${tokens.length}>`)
  const kind = (token: string, i: number) =>
    token === '<unk>'
      ? 2
      : i < specials.length || token.startsWith('<unused')
        ? 3
        : token.startsWith('<0x')
          ? 6
          : 1
  const firstSaid = tokens.indexOf(said[0] ?? '')
  const end = tokens.indexOf('<|end|>')

  const random = randomFrom(seed)
  const embeddings = tokens.map((_, i) => {
    const vector = Array.from({ length: width }, (_value, k) =>
      k < sayable || k === width - 1 ? 0 : random() / 3,
    )
    const place = i - firstSaid
    if (place < 0 || place >= said.length) vector[width - 1] = 1
    else {
      vector.fill(0)
      vector[place] = 1
    }
    return vector
  })
  const head = tokens.map(() => Array.from({ length: width }, () => 0))
  const row = (token: number) => head[token] ?? []
  row(firstSaid)[width - 1] = 10
  for (let i = 0; i + 1 < said.length; i++) row(firstSaid + i + 1)[i] = 10
  row(isEndless ? firstSaid : end)[said.length - 1] = 10

  const matrix = (columns: number, rows: number) => ({
    dims: [columns, rows],
    data: float32(Array.from({ length: columns * rows }, () => random() / 50)),
  })
  const ones = () => ({ dims: [width], data: float32(Array.from({ length: width }, () => 1)) })
  const keyWidth = (width / heads) * keyHeads
  const tensors = {
    'token_embd.weight': { dims: [width, tokens.length], data: float32(embeddings.flat()) },
    'output_norm.weight': ones(),
    'output.weight': { dims: [width, tokens.length], data: float32(head.flat()) },
    ...Object.fromEntries(
      Array.from({ length: layers }, (_, i) => i).flatMap((i) => [
        [`blk.${i}.attn_norm.weight`, ones()],
        [`blk.${i}.attn_q.weight`, matrix(width, width)],
        [`blk.${i}.attn_k.weight`, matrix(width, keyWidth)],
        [`blk.${i}.attn_v.weight`, matrix(width, keyWidth)],
        [`blk.${i}.attn_output.weight`, matrix(width, width)],
        [`blk.${i}.ffn_norm.weight`, ones()],
        [`blk.${i}.ffn_gate.weight`, matrix(width, hidden)],
        [`blk.${i}.ffn_up.weight`, matrix(width, hidden)],
        [`blk.${i}.ffn_down.weight`, matrix(hidden, width)],
      ]),
    ),
  }
  const number = (name: string, value: number) => entry(name, types.uint32, uint32(value))
  const string = (name: string, value: string) => entry(name, types.string, text(value))
  const metadata = [
    string('general.architecture', 'llama'),
    string('general.name', 'tiny'),
    number('general.alignment', 32),
    number('llama.context_length', contextLength),
    number('llama.embedding_length', width),
    number('llama.block_count', layers),
    number('llama.feed_forward_length', hidden),
    number('llama.attention.head_count', heads),
    number('llama.attention.head_count_kv', keyHeads),
    number('llama.rope.dimension_count', width / heads),
    number('llama.vocab_size', tokens.length),
    entry('llama.attention.layer_norm_rms_epsilon', types.float32, float32([1e-5])),
    ...(isEmbedding ? [number('llama.pooling_type', 1)] : []),
    string('tokenizer.ggml.model', 'llama'),
    list('tokenizer.ggml.tokens', types.string, tokens.map(text)),
    list(
      'tokenizer.ggml.scores',
      types.float32,
      tokens.map((token) => float32([token.length])),
    ),
    list(
      'tokenizer.ggml.token_type',
      5,
      tokens.map((token, i) => uint32(kind(token, i))),
    ),
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', end),
    number('tokenizer.ggml.unknown_token_id', 0),
    string(
      'tokenizer.chat_template',
      "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    ),
  ]
  const pad = (buffer: Buffer) => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 31)])
  let offset = 0
  const described = Object.entries(tensors).map(([name, { dims, data }]) => {
    const info = [text(name), uint32(dims.length), ...dims.map(uint64), uint32(0), uint64(offset)]
    offset += data.length + (-data.length & 31)
    return Buffer.concat(info)
  })
  return Buffer.concat([
    pad(
      Buffer.concat([
        Buffer.from('GGUF'),
        uint32(3),
        uint64(described.length),
        uint64(metadata.length),
        ...metadata,
        ...described,
      ]),
    ),
    ...Object.values(tensors).map(({ data }) => pad(data)),
  ])
}
