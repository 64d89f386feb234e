/**
 * Model servers that are played: real HTTP on 127.0.0.1, Ollama's and OpenAI's protocol, every fault on request.
 *
 *     await using ollama = await startOllama()
 *     ollama.script('/api/chat', { tokens: ['Hello', '!'] }, { fault: 'die', after: 3 })
 *
 * A request that nobody scripted gets the same answer each time, drawn from the passages in its prompt, and goes on
 * with a partial answer; with `strict` it fails the test instead.
 * By hand: `node test/upstream.ts --ollama 11434 --openai 9000`, with `--delay 50` for 50 ms between tokens.
 */
import { parseArgs } from 'node:util'
import { startOllama } from './upstream/ollama.ts'
import { startOpenAi } from './upstream/openai.ts'

export {
  type PlayedModel,
  type PlayedOllama,
  pullFrames,
  startOllama,
  usualModels,
} from './upstream/ollama.ts'
export { type OpenAiOptions, startOpenAi } from './upstream/openai.ts'
export type { Script } from './upstream/script.ts'
export type { Upstream } from './upstream/server.ts'

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ollama: { type: 'string' },
      openai: { type: 'string' },
      delay: { type: 'string', default: '30' },
    },
  })
  const pace = { delayMs: Number(values.delay) }
  if (values.ollama) {
    const ollama = await startOllama({ port: Number(values.ollama) })
    ollama.always('/api/chat', pace)
    ollama.always('/api/pull', pace)
    console.log(`Ollama is played at ${ollama.url}`)
  }
  if (values.openai) {
    const openai = await startOpenAi({ port: Number(values.openai) })
    openai.always('/v1/chat/completions', pace)
    console.log(`An OpenAI-compatible service is played at ${openai.url}`)
  }
  if (!values.ollama && !values.openai) console.log('Name a port: --ollama 11434 and/or --openai 9000')
}
