/**
 * Measures how background model calls (titles, memories, follow-ups, summaries) delay answers.
 *
 *     node bench/background.ts [--users 12] [--rounds 20]
 *
 * A scripted Ollama processes one request at a time, like a small machine: the first token after 120 ms, then one every
 * 25 ms. Reports the time to the first token for a user who asks every two seconds: without other load, while turns of
 * `users` other users fill the queue of background calls, and, for comparison, while four clients send requests to the
 * model server directly.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { ask, askStream, createAvee, createConversation, registerUser } from '../test/builders.ts'
import { readEvents } from '../test/events.ts'
import { startOllama } from '../test/model-servers.ts'
import { fixed, print, quantile } from './data.ts'
import { startSlots } from './slots.ts'

const { values } = parseArgs({
  options: { users: { type: 'string', default: '12' }, rounds: { type: 'string', default: '20' } },
})
const users = Number(values.users)
const rounds = Number(values.rounds)
const questionIntervalMs = 2_000

await using ollama = await startOllama()
ollama.always('/api/chat', {
  tokens: Array.from({ length: 40 }, (_, i) => `word ${i} `),
  firstDelayMs: 120,
  delayMs: 25,
})
const model = await startSlots(ollama.url, 1)
await using app = await startApp({ OLLAMA_BASE_URL: model, BACKGROUND_MODEL_CALLS: 'on' })
const { client } = await registerUser(app)
const avee = await createAvee(client)

/** Measures the times to the first token, and the number of waiting background calls at each question. */
async function measure(): Promise<{ first: number[]; waiting: number[] }> {
  const first: number[] = []
  const waiting: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { id } = await createConversation(client, avee.handle)
    const next = pause(questionIntervalMs)
    waiting.push(app.app.models.backgroundStats().waiting)
    const startedAt = performance.now()
    let seen = false
    for await (const { data } of readEvents(await askStream(client, id, `Question ${round}?`)))
      if (!seen && data['token'] !== undefined) {
        seen = true
        first.push(performance.now() - startedAt)
      }
    await next
  }
  return { first, waiting }
}

const row = (load: string, { first, waiting }: { first: number[]; waiting: number[] }) =>
  print(
    `| ${load} | ${fixed(quantile(first, 0.5), 0)} / ${fixed(quantile(first, 0.99), 0)} | ${fixed(quantile(waiting, 0.5), 0)} |`,
  )

print('| load on the model server | first token, ms (p50 / p99) | background calls waiting (median) |')
print('| --- | --- | --- |')
await app.app.jobs.idle()
row('no other load', await measure())

await Promise.all(
  Array.from({ length: users }, async () => {
    const { client: other } = await registerUser(app)
    for (let i = 0; i < 3; i++) {
      const { id } = await createConversation(other, avee.handle)
      await ask(
        other,
        id,
        `My name is Person ${i} and I moved to Lisbon ${i} years ago. What do you say to that?`,
      )
    }
  }),
)
row('full queue of background calls', await measure())

let isDone = false
const directClients = Array.from({ length: 4 }, async () => {
  while (!isDone)
    await fetch(`${model}/api/chat`, {
      method: 'POST',
      body: JSON.stringify({ model: 'llama3.2:1b', messages: [{ role: 'user', content: 'A title?' }] }),
    }).then((answer) => answer.text())
})
row('four direct clients', await measure())
isDone = true
await Promise.all(directClients)
process.exit(0)
