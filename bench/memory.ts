/**
 * How well earlier turns of long conversations are found again, with the real index and search.
 *
 *     node bench/memory.ts --data DIR [--only WORD] [--url postgres://…] [--detail]
 *
 *     DIR/memory/<name>/sessions.jsonl    {conv_id, date, turns: [{id, speaker|role, text, image_caption?}]}
 *     DIR/memory/<name>/questions.jsonl   {conv_id, question, category, category_name?, evidence: [turn ids]}
 *
 * Recall of the evidence turns at 5 and 10, within the own conversation: by words alone, and with a bag of words in
 * the place of an embedding model. Beside it plain BM25 over the same turns (k1 0.9, b 0.4, and 1.2, 0.75), and how long
 * a search takes. Of what memories cost: how long recall takes with 20, 200 and 2,000 of them.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { accounts as accountsRoom } from '../server/accounts/index.ts'
import { avees as aveesRoom } from '../server/avees/index.ts'
import { newId } from '../server/db/index.ts'
import { createLog } from '../server/log.ts'
import { type Memory, memory as memoryRoom } from '../server/memory/index.ts'
import type { Embedder } from '../server/models/index.ts'
import { bagOfWords } from './bag-of-words.ts'
import { bm25 } from './bm25.ts'
import { figure, foldersIn, jsonLines, mean, quantile, say } from './data.ts'
import { openBenchServer } from './server.ts'

type Session = {
  conv_id: string
  date: string
  turns: { id: string; speaker?: string; role?: string; text: string; image_caption?: string }[]
}
type Question = {
  conv_id: string
  question: string
  category: unknown
  category_name?: string
  evidence: string[]
}
type Turn = { id: string; speaker: string; text: string; at: Date }

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    url: { type: 'string' },
    detail: { type: 'boolean', default: false },
  },
})
if (!values.data) throw new Error('Say where the data is: --data DIR')

let embedder: Embedder | undefined
await using house = await openBenchServer({ url: values.url })
const { database, runs } = house
const log = createLog('error')
const accounts = await accountsRoom({
  database,
  runs,
  loopback: true,
  registrationOpen: true,
  sessionDays: 1,
})
await using memory = memoryRoom({
  database,
  models: { runInBackground: async () => undefined, embedder: async () => embedder },
  avees: aveesRoom({ database, accounts, runs }),
  log,
  pace: { quietMs: 0, longestMs: 0 },
})

const signal = () => AbortSignal.timeout(60_000)

/** "1:56 pm on 8 May, 2023" and "March-15-2024". */
function dateOf(text: string): Date {
  const at = new Date(`${text.replace(/^.* on /, '').replaceAll('-', ' ')} 12:00 UTC`)
  return Number.isNaN(at.getTime()) ? new Date(0) : at
}

/** Two people's talk as a conversation: who speaks first is the person, the other the avee. */
async function take(turns: Turn[]): Promise<{ conversationId: string; ids: Map<string, string> }> {
  const speakers = [...new Set(turns.map((turn) => turn.speaker))]
  const [userId, aveeId, conversationId] = [newId(), newId(), newId()]
  const { db } = database
  await db
    .insertInto('users')
    .values({ id: userId, display_name: speakers[0] ?? 'Person' })
    .execute()
  await db
    .insertInto('avees')
    .values({ id: aveeId, owner_id: userId, handle: `bench-${aveeId}`, display_name: speakers[1] ?? 'Avee' })
    .execute()
  await db
    .insertInto('conversations')
    .values({ id: conversationId, avee_id: aveeId, user_id: userId, layer_used: 'intimate' })
    .execute()
  const ids = new Map<string, string>()
  let parent: string | null = null
  for (const turn of turns) {
    const id = newId()
    const role = turn.speaker === speakers[0] ? 'user' : 'assistant'
    await sql`
      insert into messages (id, conversation_id, parent_id, role, content, status, layer_used, created_at)
      values (${id}, ${conversationId}, ${parent}, ${role}, ${turn.text}, 'complete', 'intimate', ${turn.at})
    `.execute(db)
    ids.set(id, turn.id)
    parent = id
  }
  const all = [...ids.keys()]
  await database.transaction(async (trx) => {
    for (let i = 0; i < all.length; i += 2) {
      const [first = '', second = first] = all.slice(i, i + 2)
      const turn = { conversationId, userMessageId: first, messageId: second, aveeId, userId }
      await memory.note(trx, { ...turn, layer: 'intimate', recalled: [] })
    }
  })
  await memory.settled()
  return { conversationId, ids }
}

type Measured = { category: string; at5: number; at10: number }

const recallOf = (found: string[], evidence: string[], at: number): number =>
  evidence.filter((id) => found.slice(0, at).includes(id)).length / evidence.length

async function measure(folder: string): Promise<void> {
  const conversations = new Map<string, Turn[]>()
  for (const session of jsonLines<Session>(path.join(folder, 'sessions.jsonl'))) {
    const turns = conversations.get(session.conv_id) ?? []
    const at = dateOf(session.date)
    for (const turn of session.turns) {
      const text = [turn.text, turn.image_caption].filter(Boolean).join('\n')
      turns.push({ id: turn.id, speaker: turn.speaker ?? turn.role ?? '', text, at })
    }
    conversations.set(session.conv_id, turns)
  }
  const questions = jsonLines<Question>(path.join(folder, 'questions.jsonl')).filter(
    (question) => question.evidence.length > 0,
  )
  const rows = new Map<string, Measured[]>()
  const times: number[] = []
  const add = (name: string, question: Question, found: string[]) => {
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
    const { conversationId, ids } = await take(turns)
    for (const withVectors of [false, true]) {
      if (withVectors) {
        embedder = await bagOfWords()
        await memory.settled()
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
        const named = found.map((turn) => ids.get(turn.id) ?? '')
        add(withVectors ? 'recallTurns, bag of words' : 'recallTurns', question, named)
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
  }
  const count = [...conversations.values()].reduce((sum, turns) => sum + turns.length, 0)
  say(
    `\n${path.basename(folder)}: ${conversations.size} conversations, ${count} turns, ${questions.length} questions`,
  )
  for (const [name, measured] of rows) say(`  ${name.padEnd(28)} ${line(measured)}`)
  say(
    `  a search takes ${figure(quantile(times, 0.5), 1)} ms, of 20 one ${figure(quantile(times, 0.95), 1)} ms`,
  )
  if (!values.detail) return
  for (const category of new Set(questions.map((one) => String(one.category_name ?? one.category)))) {
    say(`  ${category}`)
    for (const [name, measured] of rows)
      say(`    ${name.padEnd(26)} ${line(measured.filter((one) => one.category === category))}`)
  }
}

const line = (measured: Measured[]): string =>
  `R@5 ${figure(mean(measured.map((one) => one.at5)))}  R@10 ${figure(mean(measured.map((one) => one.at10)))}  n ${measured.length}`

/** How long recall takes, by the number of memories. */
async function recallTime(room: Memory, memories: number): Promise<void> {
  const [userId, aveeId] = [newId(), newId()]
  const { db } = database
  await db.insertInto('users').values({ id: userId, display_name: 'Bench' }).execute()
  await db
    .insertInto('avees')
    .values({ id: aveeId, owner_id: userId, handle: `bench-${aveeId}`, display_name: 'Bench' })
    .execute()
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
  for (let i = 0; i < memories; i++) {
    const content = `Note ${i}: likes ${things[i % things.length]} of kind ${i * 7}`
    await room.remember(viewer, { avee: aveeId, content, type: 'preference', localOnly: false })
  }
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const began = performance.now()
    const query = `What do I think of ${things[i % things.length]}?`
    await room.recall({
      aveeId,
      userId,
      layer: 'intimate',
      query,
      words: 200,
      remote: false,
      signal: signal(),
    })
    times.push(performance.now() - began)
  }
  say(
    `  ${memories} memories: ${figure(quantile(times, 0.5), 1)} ms, of 20 one ${figure(quantile(times, 0.95), 1)} ms`,
  )
}

for (const folder of foldersIn(path.join(values.data, 'memory'))) {
  if (values.only === undefined || folder.includes(values.only)) await measure(folder)
}
embedder = undefined
say(`\nrecall of memories (${database.kind})`)
for (const memories of [20, 200, 2_000]) await recallTime(memory, memories)
