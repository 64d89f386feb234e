/**
 * What a turn costs in a conversation that has become long, beside sending all of it.
 *
 *     node bench/context.ts --data DIR [--sizes 10,100,1000,2000]
 *
 *     DIR/memory/<name>/sessions.jsonl    {conv_id, turns: [{text}]}
 *
 * One conversation with what people of the sets said to each other grows to each size through the API, on the embedded
 * store, with a played model of 128k context that answers at once. Told are the tokens of the prompt, those of the
 * whole conversation, how long opening it takes (its last 50 messages) and the time to the first token.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { askStream, createAvee, createConversation, registerUser } from '../test/builders.ts'
import { readEvents } from '../test/events.ts'
import { defaultModels, startOllama } from '../test/model-servers.ts'
import { figure, foldersIn, jsonLines, quantile, say } from './data.ts'

const { values } = parseArgs({
  options: { data: { type: 'string' }, sizes: { type: 'string', default: '10,100,1000,2000' } },
})
if (!values.data) throw new Error('Say where the data is: --data DIR')
const measured = 15

const texts = foldersIn(path.join(values.data, 'memory')).flatMap((folder) =>
  jsonLines<{ turns: { text: string }[] }>(path.join(folder, 'sessions.jsonl'))
    .flatMap(({ turns }) => turns.map(({ text }) => text.slice(0, 1_500)))
    .filter((text) => text.trim() !== ''),
)
const [model] = defaultModels()
if (!model) throw new Error('the played Ollama has no model')
await using ollama = await startOllama({ models: [{ ...model, contextLength: 131_072 }] })
await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, MODEL_CONTEXT_TOKENS: '131072' })
const { client } = await registerUser(app)
const avee = await createAvee(client)
const { id } = await createConversation(client, avee.handle)
const used = app.app.models.countTokens
let next = 0
let whole = 0
const text = () => texts[next++ % texts.length] ?? ''

async function turn(): Promise<number> {
  const [question, answer] = [text(), text()]
  whole += used(question, model?.name ?? '') + used(answer, model?.name ?? '')
  ollama.script('/api/chat', { tokens: answer.split(/(?<= )/) })
  const begun = performance.now()
  let first = 0
  for await (const { data } of readEvents(await askStream(client, id, question)))
    if (first === 0 && data['token'] !== undefined) first = performance.now() - begun
  return first
}

say('| messages | prompt, tokens | all of it, tokens | opening it, ms (p50) | first token, ms (p50 / p99) |')
say('| --- | --- | --- | --- | --- |')
let messages = 0
for (const size of values.sizes.split(',').map(Number)) {
  while (messages < size - 2 * measured) {
    await turn()
    messages += 2
  }
  await app.app.insight.idle()
  const first: number[] = []
  const opening: number[] = []
  while (messages < size) {
    first.push(await turn())
    messages += 2
    await app.app.insight.idle()
    const begun = performance.now()
    await client.get(`/conversations/${id}/messages?limit=50`)
    opening.push(performance.now() - begun)
  }
  const asked = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as { content: string }[]
  const prompt = asked.reduce((sum, { content }) => sum + used(content, model.name), 0)
  say(
    `| ${size} | ${prompt} | ${whole} | ${figure(quantile(opening, 0.5), 1)} | ${figure(quantile(first, 0.5), 0)} / ${figure(quantile(first, 0.99), 0)} |`,
  )
}
process.exit(0)
