/**
 * Scripted model servers: real HTTP on 127.0.0.1 in the protocols of Ollama, OpenAI, Anthropic
 * and Google, with any fault on request.
 *
 *     await using ollama = await startOllama()
 *     ollama.script('/api/chat', { tokens: ['Hello', '!'] }, { fault: 'die', afterTokens: 3 })
 *
 * A request without a script gets a deterministic answer taken from the passages in its prompt; a partial answer is
 * continued. With `strict` such a request fails the test instead.
 * To run one manually: `node test/model-servers.ts --ollama 11434 --openai 9000 --delay 50` (50 ms between tokens).
 */
import { parseArgs } from 'node:util'
import { startOllama } from './model-servers/ollama.ts'
import { startOpenAi } from './model-servers/openai.ts'

export { startAnthropic } from './model-servers/anthropic.ts'
export { googleChatPath, startGoogle } from './model-servers/google.ts'
export {
  defaultModels,
  pullFrames,
  type ScriptedModel,
  type ScriptedOllama,
  startOllama,
} from './model-servers/ollama.ts'
export { type OpenAiOptions, startOpenAi } from './model-servers/openai.ts'
export type { Script } from './model-servers/script.ts'
export type { ScriptedServer } from './model-servers/server.ts'

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ollama: { type: 'string' },
      openai: { type: 'string' },
      delay: { type: 'string', default: '30' },
    },
  })
  const script = { delayMs: Number(values.delay) }
  if (values.ollama) {
    const ollama = await startOllama({ port: Number(values.ollama) })
    ollama.always('/api/chat', script)
    ollama.always('/api/pull', script)
    console.log(`Scripted Ollama at ${ollama.url}`)
  }
  if (values.openai) {
    const openai = await startOpenAi({ port: Number(values.openai) })
    openai.always('/v1/chat/completions', script)
    console.log(`Scripted OpenAI-compatible service at ${openai.url}`)
  }
  if (!values.ollama && !values.openai) console.log('Pass a port: --ollama 11434, --openai 9000 or both')
}
