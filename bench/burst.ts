/**
 * Measures how a model server with two slots is shared among 50 people who ask at about the same time.
 *
 *     node bench/burst.ts [--people 50] [--rounds 3]
 *
 * A scripted Ollama processes two requests at a time, each for 150 to 450 ms, and queues others in the order of their
 * arrival. In the burst, one person asks ten questions at once, then each of the others one every 20 ms. In the rush,
 * each person asks again as soon as they are answered, `rounds` times, and the first person keeps ten questions
 * waiting. The same requests are sent directly to the model server, to Gabee without a limit, and to Gabee with
 * MODEL_MAX_PARALLEL=2. A wait ends when the model server starts to work on the question.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { askStream, createAvee, createConversation, registerUser } from '../test/builders.ts'
import type { TestClient } from '../test/client.ts'
import { readEvents } from '../test/events.ts'
import { startOllama } from '../test/model-servers.ts'
import { fixed, print, quantile } from './data.ts'
import { startSlots } from './slots.ts'

const { values } = parseArgs({
  options: { people: { type: 'string', default: '50' }, rounds: { type: 'string', default: '3' } },
})
const people = Number(values.people)
const rounds = Number(values.rounds)
const atOnce = 10
const arrivalMs = 20
const slots = 2

type Place = { at: number; position: number; waitMs: number | null }
type Asked = { person: number; askedAt: number; places: Place[] }

/** Sends a question and reads the positions in the queue until the answer is complete. */
type Send = (person: number, text: string, places: Place[]) => Promise<void>

await using ollama = await startOllama()
const durations = Array.from({ length: 5_000 }, (_, i) => 150 + ((i * 97) % 301))
/** The times when the model server started each answer, by question, and each other call. */
const starts = new Map<string, number>()
let background: number[] = []
const marked = /#\d+\.\d+$/
const script = {
  answer: (messages: { content: string }[]) => {
    const text = marked.exec(messages.at(-1)?.content ?? '')?.[0]
    if (text) starts.set(text, performance.now())
    else background.push(performance.now())
    return 'Here you are.'
  },
}
const model = await startSlots(ollama.url, slots)

/** Sends the questions of a burst or a rush. Returns them by their text. */
async function play(send: Send, scenario: 'burst' | 'rush'): Promise<Map<string, Asked>> {
  starts.clear()
  ollama.script('/api/chat', ...durations.map((firstDelayMs) => ({ ...script, firstDelayMs })))
  const asked = new Map<string, Asked>()
  let count = 0
  const askOnce = async (person: number) => {
    const text = `#${person}.${count++}`
    const question = { person, askedAt: performance.now(), places: [] }
    asked.set(text, question)
    await send(
      person,
      `My name is Person ${person}, and I live in Lisbon. What do you say? ${text}`,
      question.places,
    )
  }
  const askAll = async (person: number) => {
    for (let round = 0; round < (scenario === 'burst' ? 1 : rounds); round++) await askOnce(person)
  }
  let isOver = false
  const eager = Array.from({ length: atOnce }, async () => {
    do await askOnce(0)
    while (scenario === 'rush' && !isOver)
  })
  const others: Promise<void>[] = []
  for (let person = 1; person < people; person++) {
    await pause(arrivalMs)
    others.push(askAll(person))
  }
  await Promise.all(others)
  isOver = true
  await Promise.all(eager)
  return asked
}

/** The waits of questions in seconds. */
const waitsOf = (asked: Map<string, Asked>, isOf: (person: number) => boolean): number[] =>
  [...asked].flatMap(([text, { person, askedAt }]) =>
    isOf(person) ? [((starts.get(text) ?? Number.NaN) - askedAt) / 1_000] : [],
  )

/** Returns the maximum number of later questions of others that were served before a question. */
function mostOvertaken(asked: Map<string, Asked>): number {
  const others = [...asked].flatMap(([text, { person, askedAt }]) =>
    person === 0 ? [] : [{ askedAt, startedAt: starts.get(text) ?? 0 }],
  )
  return Math.max(
    ...others.map(
      (one) => others.filter((two) => two.askedAt > one.askedAt && two.startedAt < one.startedAt).length,
    ),
  )
}

const wait = (values: number[]) => `${fixed(quantile(values, 0.5), 1)} / ${fixed(Math.max(...values), 1)}`

function reportBurst(path: string, asked: Map<string, Asked>): void {
  const eager = waitsOf(asked, (person) => person === 0)
  print(
    `| burst | ${path} | ${wait(waitsOf(asked, (person) => person > 0))} | ${wait(eager)} | ${mostOvertaken(asked)} | |`,
  )
}

function reportRush(path: string, asked: Map<string, Asked>): void {
  const lastOfOthers = Math.max(
    ...[...asked].flatMap(([text, { person }]) => (person > 0 ? [starts.get(text) ?? 0] : [])),
  )
  const served = [...asked].filter(
    ([text, { person }]) => person === 0 && (starts.get(text) ?? 0) <= lastOfOthers,
  ).length
  print(
    `| rush | ${path} | ${wait(waitsOf(asked, (person) => person > 0))} | ${wait(waitsOf(asked, (person) => person === 0))} | ${mostOvertaken(asked)} | ${served} and ${rounds} |`,
  )
}

/**
 * Compares reported positions and expected waits with how many answers really started before a question, and when it
 * started.
 */
function reportPlaces(scenario: string, asked: Map<string, Asked>): void {
  const startTimes = [...starts.values()]
  const off: number[] = []
  const ratios: number[] = []
  let risen = 0
  for (const [text, { person, places }] of asked) {
    const startedAt = starts.get(text) ?? 0
    if (person > 0 && places.some(({ position }, i) => position > (places[i - 1]?.position ?? Infinity)))
      risen += 1
    for (const { at, position, waitMs } of places) {
      const before = startTimes.filter((time) => time > at && time <= startedAt).length
      if (person > 0) off.push(Math.abs(before - position))
      if (person > 0 && waitMs !== null && startedAt - at > 500) ratios.push(waitMs / (startedAt - at))
    }
  }
  print(
    `| ${scenario} | ${off.length} | ${fixed((100 * off.filter((each) => each <= 1).length) / off.length, 0)} % | ${risen} | ${fixed(quantile(ratios, 0.1), 2)} / ${fixed(quantile(ratios, 0.5), 2)} / ${fixed(quantile(ratios, 0.9), 2)} |`,
  )
}

/** Asks the model server directly. */
const sendDirectly: Send = async (_person, content) => {
  const response = await fetch(`${model}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: 'llama3.2:1b', messages: [{ role: 'user', content }] }),
  })
  await response.text()
}

print(
  '| | path | wait of the others, s (p50 / max) | wait of the one who asks ten at once | most overtaken by later ones | answers of that one and of each other meanwhile |',
)
print('| --- | --- | --- | --- | --- | --- |')
reportBurst('model server directly', await play(sendDirectly, 'burst'))
reportRush('model server directly', await play(sendDirectly, 'rush'))

const reports: (() => void)[] = []
for (const [path, limit] of [
  ['Gabee, no limit', undefined],
  ['Gabee, MODEL_MAX_PARALLEL=2', `${slots}`],
] as const) {
  await using app = await startApp({
    OLLAMA_BASE_URL: model,
    BACKGROUND_MODEL_CALLS: 'on',
    LIMIT_QUESTIONS_PER_MINUTE: '0',
    ...(limit && { MODEL_MAX_PARALLEL: limit }),
  })
  const { client: owner } = await registerUser(app)
  const avee = await createAvee(owner)
  const clients: TestClient[] = []
  for (let i = 0; i < people; i++) clients.push((await registerUser(app)).client)
  const send: Send = async (person, text, places) => {
    const client = clients[person] as TestClient
    const { id } = await createConversation(client, avee.handle)
    for await (const { data } of readEvents(await askStream(client, id, text)))
      if (data['event'] === 'queued')
        places.push({
          at: performance.now(),
          position: data['position'] as number,
          waitMs: data['wait_ms'] as number | null,
        })
      else if (data['error']) throw new Error(JSON.stringify(data))
  }
  for (const scenario of ['burst', 'rush'] as const) {
    background = []
    const asked = await play(send, scenario)
    const endedAt = performance.now()
    const during = background.length
    if (scenario === 'burst') reportBurst(path, asked)
    else reportRush(path, asked)
    if (limit) {
      const report = { scenario, asked, starts: new Map(starts) }
      reports.push(() => {
        starts.clear()
        for (const [text, at] of report.starts) starts.set(text, at)
        reportPlaces(report.scenario, report.asked)
      })
    }
    await app.app.jobs.idle()
    const after = background.length - during
    reports.push(() =>
      print(
        `${scenario}, ${path}: ${during} background calls before the last answer, ${after} after it, done ${fixed(((background.at(-1) ?? endedAt) - endedAt) / 1_000, 1)} s later.`,
      ),
    )
  }
}
print(
  '\n| | positions reported | true within one | people whose position rose | expected wait / real wait (p10 / p50 / p90) |',
)
print('| --- | --- | --- | --- | --- |')
for (const report of reports) report()
process.exit(0)
