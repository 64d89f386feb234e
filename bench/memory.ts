/**
 * Measures the recall of earlier turns and of memories, with the real index and search.
 *
 *     node bench/memory.ts --data DIR [--only WORD] [--url postgres://…] [--detail]
 *
 *     DIR/memory/<name>/sessions.jsonl    {conv_id, date, turns: [{id, speaker|role, text, image_caption?}]}
 *     DIR/memory/<name>/questions.jsonl   {conv_id, question, category, category_name?, evidence: [turn ids]}
 *
 * Reports recall at 5 and 10 of the turns that contain the evidence, within their conversation: by lexical search, by
 * hybrid search with a bag of words as the embedding model, and by plain BM25 (k1 0.9, b 0.4 and k1 1.2, b 0.75). For
 * memories, each turn of the user is stored as one memory, and questions with evidence among these turns are asked.
 * Also reports the latency of both; that of memories among 20, 200 and 2,000.
 */

import { parseArgs } from 'node:util'
import { accounts as createAccounts } from '../server/accounts/index.ts'
import { avees as createAvees } from '../server/avees/index.ts'
import { newId } from '../server/db/index.ts'
import { deletions as createDeletions } from '../server/deletions/index.ts'
import { createEncryption } from '../server/encryption.ts'
import { jobs as createJobs } from '../server/jobs/index.ts'
import { createLog } from '../server/log.ts'
import { memory as createMemory } from '../server/memory/index.ts'
import type { Embedder } from '../server/models/index.ts'
import { bagOfWords } from './bag-of-words.ts'
import { bm25 } from './bm25.ts'
import {
  type ConversationQuestion,
  type ConversationTurn,
  conversationSets,
  storeConversation,
} from './conversations.ts'
import { fixed, mean, print, quantile } from './data.ts'
import { openBenchServer } from './server.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    url: { type: 'string' },
    detail: { type: 'boolean', default: false },
  },
})
if (!values.data) throw new Error('Pass the data directory: --data DIR')

let embedder: Embedder | undefined
await using server = await openBenchServer({ url: values.url })
const { database, runs } = server
const log = createLog('error')
await using jobs = createJobs({ database, log })
const deletions = createDeletions({ database, jobs, log, undoDays: 7 })
const accounts = await createAccounts({
  database,
  runs,
  deletions,
  jobs,
  encryption: createEncryption('key'),
  loopback: true,
  registration: 'open',
  sessionDays: 1,
  signInLimit: 0,
})
const memory = createMemory({
  database,
  models: {
    runInBackground: async () => undefined,
    embedder: async () => embedder,
    localOnly: (_, work) => work(),
  },
  avees: createAvees({ database, accounts, runs, jobs, deletions }),
  jobs,
  deletions,
  log,
  pace: { quietMs: 0, maxWaitMs: 0 },
})
await jobs.open()

const signal = () => AbortSignal.timeout(60_000)

/** Creates a user and an avee of theirs. */
async function createPair(userName: string, aveeName: string) {
  const [userId, aveeId] = [newId(), newId()]
  await database.db.insertInto('users').values({ id: userId, display_name: userName }).execute()
  await database.db
    .insertInto('avees')
    .values({ id: aveeId, owner_id: userId, handle: `bench-${aveeId}`, display_name: aveeName })
    .execute()
  return { userId, aveeId }
}

/** Stores each turn of the user as a memory. Returns the turns by the text of their memory. */
async function storeMemories(turns: ConversationTurn[], user: string) {
  const pair = await createPair(user, 'Avee')
  const byText = new Map<string, string>()
  for (const turn of turns.filter(({ speaker }) => speaker === user)) {
    const content = turn.text.slice(0, 500).trim()
    if (content === '') continue
    const viewer = { userId: pair.userId, aveeId: null }
    const stored = await memory
      .createMemory(viewer, { avee: pair.aveeId, content, type: 'fact', local_only: false })
      .catch(() => undefined)
    if (stored) byText.set(content, turn.id)
  }
  return { ...pair, byText }
}

type Conversations = ReturnType<typeof conversationSets>[number]
type Measured = { category: string; at5: number; at10: number }

const recallOf = (found: string[], evidence: string[], at: number): number =>
  evidence.filter((id) => found.slice(0, at).includes(id)).length / evidence.length

async function measure({ name: setName, conversations, questions }: Conversations): Promise<void> {
  const rows = new Map<string, Measured[]>()
  const times: number[] = []
  const recalled: number[] = []
  const add = (name: string, question: ConversationQuestion, found: string[]) => {
    const { evidence } = question
    const category = String(question.category_name ?? question.category)
    const measured = { category, at5: recallOf(found, evidence, 5), at10: recallOf(found, evidence, 10) }
    rows.set(name, [...(rows.get(name) ?? []), measured])
  }
  for (const [name, turns] of conversations) {
    const asked = questions.filter((question) => question.conv_id === name)
    const texts = turns.map((turn) => `${turn.speaker} ${turn.text}`)
    const plain = [bm25(texts), bm25(texts, { k1: 1.2, b: 0.75 })] as const
    embedder = undefined
    const [user = 'User', avee = 'Avee'] = new Set(turns.map((turn) => turn.speaker))
    const parties = await createPair(user, avee)
    const { conversationId, byMessage } = await storeConversation({ database, memory }, parties, turns)
    for (const withVectors of [false, true]) {
      if (withVectors) {
        embedder = await bagOfWords()
        await jobs.enqueue(database.db, { kind: 'memory-embedding', input: {} })
        await memory.idle()
      }
      for (const question of asked) {
        const began = performance.now()
        const found = await memory.recallTurns({
          conversationId,
          layer: 'intimate',
          query: question.question,
          limit: 10,
          signal: signal(),
        })
        if (!withVectors) times.push(performance.now() - began)
        const ids = found.map((turn) => byMessage.get(turn.id)?.id ?? '')
        add(withVectors ? 'hybrid search of turns' : 'lexical search of turns', question, ids)
      }
    }
    for (const question of asked) {
      for (const [i, search] of plain.entries())
        add(
          i === 0 ? 'plain BM25 0.9/0.4' : 'plain BM25 1.2/0.75',
          question,
          search(question.question, 10).map((place) => turns[place]?.id ?? ''),
        )
    }
    embedder = undefined
    const { byText, ...pair } = await storeMemories(turns, user)
    const stored = new Set(byText.values())
    for (const question of asked) {
      const evidence = question.evidence.filter((id) => stored.has(id))
      if (evidence.length === 0) continue
      const found = await memory.recall({
        ...pair,
        layer: 'intimate',
        query: question.question,
        maxWords: 150,
        remote: false,
        signal: signal(),
      })
      add(
        'memories within 150 words',
        { ...question, evidence },
        found.map(({ content }) => byText.get(content) ?? ''),
      )
      recalled.push(found.length)
    }
  }
  const count = [...conversations.values()].reduce((sum, turns) => sum + turns.length, 0)
  print(`\n${setName}: ${conversations.size} conversations, ${count} turns, ${questions.length} questions`)
  for (const [name, measured] of rows) print(`  ${name.padEnd(28)} ${line(measured)}`)
  print(
    `  search of turns: p50 ${fixed(quantile(times, 0.5), 1)} ms, p95 ${fixed(quantile(times, 0.95), 1)} ms; memories per question: ${fixed(mean(recalled), 1)}`,
  )
  if (!values.detail) return
  for (const category of new Set(questions.map((one) => String(one.category_name ?? one.category)))) {
    print(`  ${category}`)
    for (const [name, measured] of rows)
      print(`    ${name.padEnd(26)} ${line(measured.filter((one) => one.category === category))}`)
  }
}

const line = (measured: Measured[]): string =>
  `R@5 ${fixed(mean(measured.map((one) => one.at5)))}  R@10 ${fixed(mean(measured.map((one) => one.at10)))}  n ${measured.length}`

/** Measures the latency of recall among a number of memories. */
async function measureLatency(count: number): Promise<void> {
  const { userId, aveeId } = await createPair('User', 'Avee')
  const viewer = { userId, aveeId: null }
  const things = [
    'tea',
    'jazz',
    'running',
    'chess',
    'old maps',
    'sailing',
    'bread',
    'the sea',
    'physics',
    'gardens',
  ]
  for (let i = 0; i < count; i++) {
    const content = `Note ${i}: likes ${things[i % things.length]} of kind ${i * 7}`
    await memory.createMemory(viewer, { avee: aveeId, content, type: 'preference', local_only: false })
  }
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const began = performance.now()
    const query = `What do I think of ${things[i % things.length]}?`
    await memory.recall({
      aveeId,
      userId,
      layer: 'intimate',
      query,
      maxWords: 200,
      remote: false,
      signal: signal(),
    })
    times.push(performance.now() - began)
  }
  print(
    `  ${count} memories: p50 ${fixed(quantile(times, 0.5), 1)} ms, p95 ${fixed(quantile(times, 0.95), 1)} ms`,
  )
}

for (const set of conversationSets(values.data)) {
  if (values.only === undefined || set.name.includes(values.only)) await measure(set)
}
embedder = undefined
print(`\nLatency of recall (${database.kind})`)
for (const count of [20, 200, 2_000]) await measureLatency(count)
