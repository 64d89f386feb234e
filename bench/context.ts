/**
 * Measures the prompt of a turn in a long conversation, compared with sending the whole conversation.
 *
 *     node bench/context.ts --data DIR [--sizes 10,100,1000,2000]
 *
 *     DIR/memory/<name>/sessions.jsonl    {conv_id, turns: [{text}]}
 *
 * A conversation with turns of the data sets grows to each size through the API, on the embedded database, with a
 * scripted model with a context window of 128k that answers at once. Reports the tokens of the prompt and of the whole
 * conversation, the time to open it (its last 50 messages) and the time to the first token.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { askStream, createAvee, createConversation, registerUser } from '../test/builders.ts'
import { readEvents } from '../test/events.ts'
import { defaultModels, startOllama } from '../test/model-servers.ts'
import { fixed, foldersIn, jsonLines, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: { data: { type: 'string' }, sizes: { type: 'string', default: '10,100,1000,2000' } },
})
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const measuredTurns = 15

const texts = foldersIn(path.join(values.data, 'memory')).flatMap((folder) =>
  jsonLines<{ turns: { text: string }[] }>(path.join(folder, 'sessions.jsonl'))
    .flatMap(({ turns }) => turns.map(({ text }) => text.slice(0, 1_500)))
    .filter((text) => text.trim() !== ''),
)
const [model] = defaultModels()
if (!model) throw new Error('The scripted Ollama has no model')
await using ollama = await startOllama({ models: [{ ...model, contextLength: 131_072 }] })
await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, MODEL_CONTEXT_TOKENS: '131072' })
const { client } = await registerUser(app)
const avee = await createAvee(client)
const { id } = await createConversation(client, avee.handle)
const { countTokens } = app.app.models
let next = 0
let conversationTokens = 0
const text = () => texts[next++ % texts.length] ?? ''

async function turn(): Promise<number> {
  const [question, answer] = [text(), text()]
  conversationTokens += countTokens(question, model?.name ?? '') + countTokens(answer, model?.name ?? '')
  ollama.script('/api/chat', { tokens: answer.split(/(?<= )/) })
  const startedAt = performance.now()
  let first = 0
  for await (const { data } of readEvents(await askStream(client, id, question)))
    if (first === 0 && data['token'] !== undefined) first = performance.now() - startedAt
  return first
}

print(
  '| messages | prompt, tokens | whole conversation, tokens | opening it, ms (p50) | first token, ms (p50 / p99) |',
)
print('| --- | --- | --- | --- | --- |')
let messages = 0
for (const size of values.sizes.split(',').map(Number)) {
  while (messages < size - 2 * measuredTurns) {
    await turn()
    messages += 2
  }
  await app.app.jobs.idle()
  const first: number[] = []
  const opening: number[] = []
  while (messages < size) {
    first.push(await turn())
    messages += 2
    await app.app.jobs.idle()
    const startedAt = performance.now()
    await client.get(`/conversations/${id}/messages?limit=50`)
    opening.push(performance.now() - startedAt)
  }
  const asked = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as { content: string }[]
  const prompt = asked.reduce((sum, { content }) => sum + countTokens(content, model.name), 0)
  print(
    `| ${size} | ${prompt} | ${conversationTokens} | ${fixed(quantile(opening, 0.5), 1)} | ${fixed(quantile(first, 0.5), 0)} / ${fixed(quantile(first, 0.99), 0)} |`,
  )
}
process.exit(0)
