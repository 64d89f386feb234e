import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { CatalogueEntry } from '../contract/models.ts'

/**
 * Writes tiny real models: an embedding table as an ONNX graph and a WordPiece tokenizer, so that texts with common
 * words are similar.
 */

const width = 24

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
const int = (field: number, value: number) => Buffer.concat([varint(field << 3), varint(value)])
const bytes = (field: number, value: Buffer | string) => {
  const content = Buffer.from(value as string)
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content])
}
const message = (field: number, ...parts: Buffer[]) => bytes(field, Buffer.concat(parts))

const float = 1
const int64 = 7
const tensor = (name: string, dims: number[], type: number, data: Buffer) =>
  message(5, ...dims.map((dim) => int(1, dim)), int(2, type), bytes(8, name), bytes(9, data))
const axesTensor = (name: string, axis: number) =>
  tensor(name, [1], int64, Buffer.from(new BigInt64Array([BigInt(axis)]).buffer))
const value = (field: number, name: string, type: number, dims: (string | number)[]) =>
  message(
    field,
    bytes(1, name),
    message(
      2,
      message(
        1,
        int(1, type),
        message(2, ...dims.map((dim) => message(1, typeof dim === 'number' ? int(1, dim) : bytes(2, dim)))),
      ),
    ),
  )
const node = (type: string, inputs: string[], output: string, ...attributes: Buffer[]) =>
  message(1, ...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(4, type), ...attributes)
const attribute = (name: string, ...parts: Buffer[]) => message(5, bytes(1, name), ...parts)
const ints = (name: string, value: number) => attribute(name, int(8, value), int(20, 7))
const integer = (name: string, value: number) => attribute(name, int(3, value), int(20, 2))

const model = (graph: Buffer[]) =>
  Buffer.concat([int(1, 8), message(7, ...graph), message(8, bytes(1, ''), int(2, 17))])
const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
  value(11, name, int64, ['b', 's']),
)

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('')
const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']
const punctuation = `.,:;!?()-'"`.split('')
const vocabulary = [
  ...specials,
  ...punctuation,
  ...letters,
  ...letters.map((a) => `##${a}`),
  ...letters.slice(0, 26).flatMap((a) => letters.slice(0, 26).map((b) => `##${a}${b}`)),
]

/** A table of random vectors; those of special tokens and punctuation are zero. */
function table(seed: number): Buffer {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
  const silent = specials.length + punctuation.length
  const values = Float32Array.from({ length: vocabulary.length * width }, (_, i) =>
    i < silent * width ? 0 : random(),
  )
  return tensor('E', [vocabulary.length, width], float, Buffer.from(values.buffer))
}

const embeddingGraph = (seed: number) =>
  model([
    node('Gather', ['E', 'input_ids'], 'last_hidden_state'),
    bytes(2, 'tiny'),
    table(seed),
    ...inputs,
    value(12, 'last_hidden_state', float, ['b', 's', width]),
  ])

/** The cosine of the sums of the vectors of both texts, times ten. */
const rerankingGraph = (seed: number) => {
  const side = (mask: string, name: string) => [
    node('Unsqueeze', [mask, 'last'], `${name}m`),
    node('Mul', ['h', `${name}m`], `${name}w`),
    node('ReduceSum', [`${name}w`, 'one'], `${name}s`, integer('keepdims', 0)),
    node('ReduceL2', [`${name}s`], `${name}l`, ints('axes', 1), integer('keepdims', 1)),
    node('Add', [`${name}l`, 'eps'], `${name}n`),
    node('Div', [`${name}s`, `${name}n`], `${name}u`),
  ]
  const scalar = (name: string, number: number) =>
    tensor(name, [1], float, Buffer.from(new Float32Array([number]).buffer))
  return model([
    node('Gather', ['E', 'input_ids'], 'h'),
    node('Mul', ['attention_mask', 'token_type_ids'], 'mb64'),
    node('Sub', ['attention_mask', 'mb64'], 'ma64'),
    node('Cast', ['ma64'], 'ma', integer('to', float)),
    node('Cast', ['mb64'], 'mb', integer('to', float)),
    ...side('ma', 'a'),
    ...side('mb', 'b'),
    node('Mul', ['au', 'bu'], 'p'),
    node('ReduceSum', ['p', 'one'], 'c', integer('keepdims', 1)),
    node('Mul', ['c', 'ten'], 'logits'),
    bytes(2, 'tiny'),
    table(seed),
    axesTensor('last', 2),
    axesTensor('one', 1),
    scalar('eps', 1e-6),
    scalar('ten', 10),
    ...inputs,
    value(12, 'logits', float, ['b', 1]),
  ])
}

const single = [
  { SpecialToken: { id: '[CLS]', type_id: 0 } },
  { Sequence: { id: 'A', type_id: 0 } },
  { SpecialToken: { id: '[SEP]', type_id: 0 } },
]
const tokenizerJson = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }, { SpecialToken: { id: '[SEP]', type_id: 1 } }],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [specials.indexOf('[CLS]')], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [specials.indexOf('[SEP]')], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
}

type Kind = CatalogueEntry['kind']

/** The files of a tiny model by their paths on a hub. */
export const tinyModelFiles = (kind: 'embedding' | 'reranking', seed = 1): Record<string, Buffer> => ({
  'config.json': Buffer.from(
    JSON.stringify({
      model_type: 'bert',
      architectures: [kind === 'embedding' ? 'BertModel' : 'BertForSequenceClassification'],
      hidden_size: width,
      max_position_embeddings: 128,
      pad_token_id: 0,
    }),
  ),
  'tokenizer_config.json': Buffer.from(
    JSON.stringify({ tokenizer_class: 'BertTokenizer', do_lower_case: true }),
  ),
  'tokenizer.json': Buffer.from(JSON.stringify(tokenizerJson)),
  'onnx/model.onnx': kind === 'embedding' ? embeddingGraph(seed) : rerankingGraph(seed),
})

/** Writes the files of a model into a folder. */
export async function writeModel(folder: string, files: Record<string, Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, content)
  }
}

/** Returns the catalogue entry of a tiny model. */
export const catalogueEntryOf = (id: string, kind: Kind, files: Record<string, Buffer>) => ({
  id,
  kind,
  repository: `tiny/${id}`,
  revision: 'main',
  license: 'MIT',
  languages: ['en'],
  ...(kind === 'embedding' && 'config.json' in files && { dimensions: width, pooling: 'mean' as const }),
  max_tokens: 128,
  files: Object.entries(files).map(([name, content]) => ({
    path: name,
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  })),
})

type Reply = { body?: Buffer; cutAfter?: number; hangAfter?: number; ignoresRange?: boolean }

/** Starts a hub that serves files by address with Range, redirects like the real one, and fails on request. */
export async function startHub(repositories: Record<string, Record<string, Buffer>>) {
  const requests: { path: string; range: string | undefined }[] = []
  const replies = new Map<string, Reply[]>()
  const find = ({ url = '' }: IncomingMessage) => {
    const [, repository = '', name = ''] = /^\/(?:cdn\/)?(.+?)\/resolve\/main\/(.+)$/.exec(url) ?? []
    return { name, content: repositories[repository]?.[name] }
  }
  const server = createServer((request, response) => {
    const { name, content } = find(request)
    if (!content) {
      response.writeHead(404).end('Entry not found')
      return
    }
    if (!request.url?.startsWith('/cdn/')) {
      response.writeHead(302, { location: `/cdn${request.url}` }).end()
      return
    }
    const { range } = request.headers
    requests.push({ path: name, range })
    const reply = replies.get(name)?.shift() ?? {}
    const from = reply.ignoresRange ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const body = (reply.body ?? content).subarray(from)
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length })
    const end = reply.cutAfter ?? reply.hangAfter ?? body.length
    response.write(body.subarray(0, end), () => {
      if (reply.cutAfter !== undefined) setImmediate(() => response.destroy())
      else if (reply.hangAfter === undefined) response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** Sets the responses to the next requests for a file. */
    script: (name: string, ...scripted: Reply[]) => void replies.set(name, scripted),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
