/**
 * Measures how much of the evidence for a question in a long conversation the prompt contains.
 *
 *     node bench/prompts.ts --data DIR [--only WORD] [--windows 4096,8192,32768] [--every N] [--detail]
 *
 *     DIR/memory/<name>/    as for bench/memory.ts
 *
 * Stores each conversation, asks its questions (or every Nth) through `POST /chat/stream` and reads the prompts that the scripted
 * model server receives. For each context window reports the share of the evidence (sentences of the turns that
 * contain it) and of the words of the answer (those that the question does not have) that are in the prompt, beside
 * three ways to fill the same number of tokens: the last turns alone, the best turns of plain BM25 alone, and half of
 * each. Also reports the share of questions with at least half of their evidence, and the mean tokens of the prompt.
 */
import { parseArgs } from 'node:util'
import { startApp } from '../test/app.ts'
import { createAvee, registerUser } from '../test/builders.ts'
import { collectEvents } from '../test/events.ts'
import { defaultModels, startOllama } from '../test/model-servers.ts'
import { bm25 } from './bm25.ts'
import {
  type ConversationQuestion,
  type ConversationTurn,
  conversationSets,
  storeConversation,
} from './conversations.ts'
import { fixed, mean, print } from './data.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    windows: { type: 'string', default: '4096,8192,32768' },
    every: { type: 'string', default: '1' },
    detail: { type: 'boolean', default: false },
  },
})
if (!values.data) throw new Error('Pass the data directory: --data DIR')

const windows = values.windows.split(',').map(Number)
const [base] = defaultModels()
if (!base) throw new Error('The scripted Ollama has no model')
const modelOf = (window: number) => `window-${window}:latest`
await using ollama = await startOllama({
  models: windows.map((contextLength) => ({ ...base, name: modelOf(contextLength), contextLength })),
})
ollama.always('/api/chat', { tokens: ['Yes.'] })
await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, MODEL_CONTEXT_TOKENS: '131072' })
const { database, memory, models } = app.app
const { client, session } = await registerUser(app)

const letters = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
const words = (text: string) => new Set(letters(text).split(' '))
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
const sentencesOf = (text: string) =>
  [...sentences.segment(text)].map(({ segment }) => letters(segment)).filter((sentence) => sentence !== '')

type Measured = { evidence: number; answer: number | undefined; tokens: number }

function measure(
  prompt: string,
  question: ConversationQuestion,
  turns: Map<string, ConversationTurn>,
): Measured {
  const shown = ` ${letters(prompt)} `
  const asked = words(question.question)
  const evidence = question.evidence.flatMap((id) => sentencesOf(turns.get(id)?.text ?? ''))
  const answer = [...words(`${question.answer ?? ''}`)].filter((word) => !asked.has(word))
  return {
    evidence: mean(evidence.map((sentence) => (shown.includes(` ${sentence} `) ? 1 : 0))),
    answer:
      answer.length === 0 ? undefined : mean(answer.map((word) => (shown.includes(` ${word} `) ? 1 : 0))),
    tokens: models.countTokens(prompt, base?.name ?? ''),
  }
}

/** Takes turns in the given order, as many as fit, and returns them in the order of the conversation. */
function fill(order: number[], turns: ConversationTurn[], tokens: number): Set<number> {
  const taken = new Set<number>()
  let left = tokens
  for (const place of order) {
    const price = models.countTokens(turns[place]?.text ?? '', base?.name ?? '')
    if (price > left || taken.has(place)) continue
    taken.add(place)
    left -= price
  }
  return taken
}

for (const { name, conversations, questions: all } of conversationSets(values.data)) {
  if (values.only !== undefined && !name.includes(values.only)) continue
  const questions = all.filter((_, index) => index % Number(values.every) === 0)
  const rows = new Map<string, (Measured & { category: string })[]>()
  const add = (row: string, question: ConversationQuestion, measured: Measured) => {
    const category = String(question.category_name ?? question.category)
    rows.set(row, [...(rows.get(row) ?? []), { ...measured, category }])
  }
  for (const [conversation, turns] of conversations) {
    const avee = await createAvee(client)
    const pair = { userId: session.user.id, aveeId: avee.id }
    const { conversationId, leafId } = await storeConversation({ database, memory }, pair, turns)
    const restore = async () => {
      const { db } = database
      const stored = { leaf_id: leafId, title: conversation }
      await db.updateTable('conversations').set(stored).where('id', '=', conversationId).execute()
      await db
        .deleteFrom('messages')
        .where('conversation_id', '=', conversationId)
        .where('created_at', '>', new Date(Date.now() - 3_600_000))
        .execute()
    }
    await restore()
    const byId = new Map(turns.map((turn) => [turn.id, turn]))
    const search = bm25(turns.map(({ speaker, text }) => `${speaker} ${text}`))
    const latest = turns.map((_, place) => place).reverse()
    for (const question of questions.filter(({ conv_id }) => conv_id === conversation)) {
      const best = search(question.question, turns.length)
      for (const window of windows) {
        const asked = { conversation_id: conversationId, question: question.question, model: modelOf(window) }
        const events = await collectEvents(
          await client.fetch('/chat/stream', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(asked),
          }),
        )
        if (!events.some(({ data }) => data['event'] === 'complete'))
          throw new Error(JSON.stringify(events.at(-1)))
        await restore()
        const received = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as { content: string }[]
        const prompt = received.map(({ content }) => content).join('\n')
        const measured = measure(prompt, question, byId)
        add(`${window} prompt`, question, measured)
        for (const [label, half] of [
          ['last turns', fill(latest, turns, measured.tokens)],
          ['BM25', fill(best, turns, measured.tokens)],
        ] as const) {
          const text = [...half].map((place) => turns[place]?.text).join('\n')
          add(`${window} ${label}`, question, measure(text, question, byId))
        }
      }
      await app.app.jobs.idle()
    }
  }
  print(`\n${name}: ${questions.length} questions\n`)
  print('| window, tokens | evidence | at least half of it | words of the answer | tokens |')
  print('| --- | --- | --- | --- | --- |')
  for (const [row, measured] of rows) {
    print(line(row, measured))
    if (!values.detail || !row.endsWith('prompt')) continue
    for (const category of new Set(measured.map((each) => each.category)))
      print(
        line(
          `- ${category}`,
          measured.filter((each) => each.category === category),
        ),
      )
  }
}

function line(row: string, measured: Measured[]): string {
  const half = measured.map(({ evidence }) => (evidence >= 0.5 ? 1 : 0))
  const answers = measured.flatMap(({ answer }) => answer ?? [])
  const cells = [mean(measured.map(({ evidence }) => evidence)), mean(half), mean(answers)].map((cell) =>
    fixed(cell),
  )
  return `| ${row} | ${cells.join(' | ')} | ${fixed(mean(measured.map(({ tokens }) => tokens)), 0)} |`
}
