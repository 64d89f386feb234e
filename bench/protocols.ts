/**
 * Measures the overhead of the model protocol adapters over a bare HTTP client, per request and per token.
 *
 *     node bench/protocols.ts [--requests 100] [--rounds 7] [--data DIR]
 *
 * A scripted server in a separate process streams 1 or 501 tokens without delay. The same requests are sent by undici's
 * fetch, which reads the bytes; by the same with JSON.parse of each event; and by the adapter. The three alternate, and
 * the figures are the medians of the rounds.
 *
 * With `--data`, a folder of recorded streams (NAME.chunks.jsonl) and expected.json, it plays each to its adapter and
 * compares text, reasoning, calls, finish reason and token counts.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Agent, fetch } from 'undici'
import type { ChatModel, ModelPart } from '../server/models/port.ts'
import { adapters, apiKey } from '../test/models/adapters.ts'
import { fixed, jsonLines, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '7' },
    data: { type: 'string' },
    serve: { type: 'boolean', default: false },
  },
})
const sizes = [1, 501] as const
/** Finish reasons of protocols other than OpenAI's. */
const reasons: Record<string, string> = { end_turn: 'stop', STOP: 'stop', refusal: 'filter' }

if (values.serve) {
  const urls = await Promise.all(
    adapters.map(({ start, path }) =>
      Promise.all(
        sizes.map(async (size) => {
          const server = await start()
          server.always(path, { tokens: Array.from({ length: size }, (_, i) => ` word${i}`) })
          return server.url
        }),
      ),
    ),
  )
  process.send?.(urls)
} else if (values.data) {
  await compare(values.data)
} else {
  const server = fork(fileURLToPath(import.meta.url), ['--serve'])
  const [urls] = (await once(server, 'message')) as [string[][]]
  await measureAll(urls)
  server.kill()
}

function ask(model: ChatModel): AsyncGenerator<ModelPart> {
  return model.stream(
    {
      messages: [
        { role: 'system', content: 'You are Ada.' },
        { role: 'user', content: 'Which words do you know?' },
      ],
      grounding: { question: '', passages: [], answerable: null },
    },
    new AbortController().signal,
  )
}

async function measureAll(urls: string[][]): Promise<void> {
  print(
    '| protocol | client | CPU per request, ms | time per request, ms | CPU per token, µs | time per token, µs |',
  )
  print('| --- | --- | --- | --- | --- | --- |')
  for (const [i, adapter] of adapters.entries()) {
    const [short = '', long = ''] = urls[i] ?? []
    const clients: [string, (url: string) => () => Promise<void>][] = [
      ['bare, bytes', (url) => bare(adapter, url, false)],
      ['bare, JSON.parse', (url) => bare(adapter, url, true)],
      ['adapter', (url) => adapted(adapter, url)],
    ]
    const rows = clients.map(([name, open]) => ({
      name,
      short: { send: open(short), measured: [] as Measured[] },
      long: { send: open(long), measured: [] as Measured[] },
    }))
    for (let round = 0; round <= Number(values.rounds); round++)
      for (const row of rows)
        for (const part of [row.short, row.long]) {
          const measured = await measure(part.send)
          // The first round warms up the compiler.
          if (round > 0) part.measured.push(measured)
        }
    for (const { name, short, long } of rows) {
      const [cpu, ms] = (['cpu', 'ms'] as const).map((unit) => {
        const [one = 0, many = 0] = [short, long].map(({ measured }) =>
          quantile(
            measured.map((each) => each[unit]),
            0.5,
          ),
        )
        return { request: one, token: ((many - one) / (sizes[1] - sizes[0])) * 1_000 }
      })
      if (!cpu || !ms) continue
      print(
        `| ${adapter.name} | ${name} | ${fixed(cpu.request, 2)} | ${fixed(ms.request, 2)} | ${fixed(cpu.token, 1)} | ${fixed(ms.token, 1)} |`,
      )
    }
  }
}

type Adapter = (typeof adapters)[number]
type Measured = { cpu: number; ms: number }

/** Measures the CPU time of this process and the elapsed time, per request. */
async function measure(send: () => Promise<void>): Promise<Measured> {
  const requests = Number(values.requests)
  const startedAt = performance.now()
  const before = process.cpuUsage()
  for (let i = 0; i < requests; i++) await send()
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1_000 / requests, ms: (performance.now() - startedAt) / requests }
}

function bare({ path, protocol }: Adapter, url: string, isParsed: boolean): () => Promise<void> {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 4_000 })
  const key = { anthropic: 'x-api-key', google: 'x-goog-api-key', openai: '', ollama: '' }[protocol]
  const messages = [{ role: 'user', content: 'Which words do you know?' }]
  const body = {
    ollama: { model: 'llama3.2:1b', messages },
    openai: { model: 'gpt-4o-mini', stream: true, stream_options: { include_usage: true }, messages },
    anthropic: { model: 'claude-sonnet-4-5', stream: true, messages: [{ role: 'user', content: [] }] },
    google: { contents: [{ role: 'user', parts: [] }] },
  }[protocol]
  return async () => {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${apiKey}`,
        ...(key && { [key]: apiKey }),
      },
      body: JSON.stringify(body),
      dispatcher,
    })
    if (!response.ok || !response.body) throw new Error(`Status ${response.status}: ${await response.text()}`)
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of response.body) {
      if (!isParsed) continue
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const at = line.indexOf('{')
        if (at >= 0) JSON.parse(line.slice(at))
      }
    }
  }
}

function adapted(adapter: Adapter, url: string): () => Promise<void> {
  const model = adapter.model(url)
  return async () => {
    for await (const part of ask(model)) if (part.type === 'waiting') throw new Error(part.message)
  }
}

type Expected = {
  text: string
  reasoning: string
  tools?: { name: string; arguments: string }[]
  tool_calls?: { name: string; arguments: string }[]
  finish?: string
  finish_reason?: string
  usage?: { prompt_tokens: number; total_tokens: number }
}

/** Plays recorded streams to the adapters. */
async function compare(folder: string): Promise<void> {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>
  print('| stream | text | reasoning | calls | finish | tokens | equal |')
  print('| --- | --- | --- | --- | --- | --- | --- |')
  for (const [name, want] of Object.entries(expected)) {
    const adapter = name.startsWith('cohere')
      ? undefined
      : (adapters.find(({ protocol }) => name.startsWith(`${protocol}-`)) ??
        adapters.find(({ protocol }) => protocol === 'openai'))
    if (!adapter) {
      print(`| ${name} | | | | | | no adapter for its protocol |`)
      continue
    }
    await using server = await adapter.start()
    const frames = jsonLines<object>(join(folder, `${name}.chunks.jsonl`)).map((frame) =>
      JSON.stringify(frame),
    )
    server.script(adapter.path, { frames })
    const parts = await Array.fromAsync(ask(adapter.model(server.url)))
    const textOf = (type: ModelPart['type']) =>
      parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
    const calls = parts.filter((part) => part.type === 'tool_call')
    const finish = parts.find((part) => part.type === 'finish')
    const { promptTokens, completionTokens, reasoningTokens } = finish?.usage ?? {}
    const wantedCalls = (want.tool_calls ?? want.tools ?? []).map(
      (call) => `${call.name} ${JSON.stringify(JSON.parse(call.arguments || '{}'))}`,
    )
    const wantedFinish = calls.length > 0 ? 'tool_calls' : (want.finish_reason ?? want.finish ?? '')
    const differences = [
      textOf('text') !== want.text && 'text',
      textOf('thinking') !== want.reasoning && 'reasoning',
      calls.map((call) => `${call.name} ${JSON.stringify(JSON.parse(call.arguments))}`).join() !==
        wantedCalls.join() && 'calls',
      finish?.reason !== (reasons[wantedFinish] ?? wantedFinish) && 'finish',
      want.usage &&
        (promptTokens !== want.usage.prompt_tokens ||
          completionTokens !== want.usage.total_tokens - want.usage.prompt_tokens) &&
        'tokens',
    ].filter(Boolean)
    print(
      `| ${name} | ${textOf('text').length} | ${textOf('thinking').length} | ${calls.length} | ${finish?.reason} | ${promptTokens} + ${completionTokens}${reasoningTokens ? ` (${reasoningTokens} reasoning)` : ''} | ${differences.length === 0 ? 'yes' : `not: ${differences.join(', ')}`} |`,
    )
    if (differences.length > 0) process.exitCode = 1
  }
}
