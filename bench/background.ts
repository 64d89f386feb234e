/**
 * What somebody who asks notices of the work that follows answers: titles, memories, follow-ups, summaries.
 *
 *     node bench/background.ts [--people 12] [--rounds 20]
 *
 * A played Ollama takes one request at a time, as a small machine does: 120 ms until the first token, then one every
 * 25 ms. Measured is the time to the first token of one person who asks every two seconds: with nothing else to do, and
 * while turns of `people` others keep the queue of background calls full; and, for comparison, with the same number of
 * requests sent to the model at once, as they are without a queue that gives way.
 */
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { ask, askStream, createAvee, createConversation, registerUser } from '../test/builders.ts'
import { readEvents } from '../test/events.ts'
import { startOllama } from '../test/model-servers.ts'
import { figure, quantile, say } from './data.ts'

const { values } = parseArgs({
  options: { people: { type: 'string', default: '12' }, rounds: { type: 'string', default: '20' } },
})
const people = Number(values.people)
const rounds = Number(values.rounds)
const everyMs = 2_000

/** Lets one request for an answer through at a time; one whose client leaves gives its turn away. */
async function oneAtATime(target: string) {
  let turn = Promise.resolve()
  const server = createServer((incoming, outgoing) => {
    const done = Promise.withResolvers<void>()
    outgoing.on('close', done.resolve)
    const pass = () => {
      if (outgoing.destroyed) return
      const { method, headers } = incoming
      const onward = send(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      outgoing.on('close', () => onward.destroy())
      onward.on('error', () => outgoing.destroy())
      incoming.pipe(onward)
    }
    if (incoming.url !== '/api/chat') return pass()
    void turn.then(pass)
    turn = turn.then(async () => done.promise)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

await using ollama = await startOllama()
ollama.always('/api/chat', {
  tokens: Array.from({ length: 40 }, (_, i) => `word ${i} `),
  firstDelayMs: 120,
  delayMs: 25,
})
const model = await oneAtATime(ollama.url)
await using app = await startApp({ OLLAMA_BASE_URL: model, BACKGROUND_MODEL_CALLS: 'on' })
const { client } = await registerUser(app)
const avee = await createAvee(client)

/** Times to the first token, and how many background calls waited at each question. */
async function asks(): Promise<{ first: number[]; waiting: number[] }> {
  const first: number[] = []
  const waiting: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { id } = await createConversation(client, avee.handle)
    const next = pause(everyMs)
    waiting.push(app.app.models.backgroundStats().waiting)
    const begun = performance.now()
    let seen = false
    for await (const { data } of readEvents(await askStream(client, id, `Question ${round}?`)))
      if (!seen && data['token'] !== undefined) {
        seen = true
        first.push(performance.now() - begun)
      }
    await next
  }
  return { first, waiting }
}

const row = (what: string, { first, waiting }: { first: number[]; waiting: number[] }) =>
  say(
    `| ${what} | ${figure(quantile(first, 0.5), 0)} / ${figure(quantile(first, 0.99), 0)} | ${figure(quantile(waiting, 0.5), 0)} |`,
  )

say('| the model server meanwhile | first token, ms (p50 / p99) | background calls waiting (median) |')
say('| --- | --- | --- |')
await app.app.jobs.idle()
row('has nothing else to do', await asks())

await Promise.all(
  Array.from({ length: people }, async () => {
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
row('has a full queue behind the answers', await asks())

let isOver = false
const crowd = Array.from({ length: 4 }, async () => {
  while (!isOver)
    await fetch(`${model}/api/chat`, {
      method: 'POST',
      body: JSON.stringify({ model: 'llama3.2:1b', messages: [{ role: 'user', content: 'A title?' }] }),
    }).then((answer) => answer.text())
})
row('is asked by four callers that give no way', await asks())
isOver = true
await Promise.all(crowd)
process.exit(0)
