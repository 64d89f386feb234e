import { type Layer, layers } from '../../contract/avees.ts'
import type { Citation } from '../../contract/chat.ts'
import type { Avees } from '../avees/index.ts'
import type { Database } from '../db/index.ts'
import type { Insight } from '../insight/index.ts'
import type { Grounding, Knowledge } from '../knowledge/index.ts'
import type { ChatMessage, ChatModel, ChosenModel, Models, TokenUsage } from '../models/index.ts'
import type { Completion, EventBody, RunContext, RunEvent, RunKind } from '../runs/index.ts'
import { citationsOf } from './citations.ts'
import type { Dialect } from './dialect.ts'
import { emptyAnswer, messageNotFound, promptTooLong } from './errors.ts'
import { buildPrompt } from './prompt.ts'
import { seam } from './seam.ts'
import {
  branch,
  findMessage,
  finishMessage,
  type MessageRow,
  noteGrounding,
  updateConversation,
} from './store.ts'

/** What a turn needs to know, in the run's row: enough to start over on another node. */
export type TurnInput = {
  conversationId: string
  aveeId: string
  userMessageId: string
  messageId: string
  /** Whose words the events are in: a name in the table of dialects. */
  dialect: string
  strong: boolean
  model?: string
  /** False answers without looking into the documents. */
  useDocuments: boolean
  /** Earlier turns given by the client, instead of the conversation's own. */
  history?: ChatMessage[]
}

export type TurnRooms = {
  database: Database
  avees: Avees
  knowledge: Knowledge
  models: Models
  insight: Pick<Insight, 'note'>
}

/** As many earlier messages as are looked at; what of them fits is decided by tokens. */
const historyMessages = 60
/** As many words of passages as an answer is given. */
const groundingWords = 1_000

const continueInstruction =
  'You were interrupted. Continue your last message exactly where it stopped, without repeating any of it and without a remark about the interruption.'

/**
 * One turn, from the question to the stored answer:
 *
 *   layer → model → start event → history, passages → prompt → tokens → complete event + message, in one transaction
 *
 * After a crash it is walked again; what the log has already told is not told twice, and the model goes on from there.
 */
export function turnKind(rooms: TurnRooms, dialects: Record<string, Dialect>): RunKind<TurnInput> {
  const dialectOf = (input: TurnInput): Dialect => {
    const dialect = dialects[input.dialect]
    if (!dialect) throw new Error(`no dialect ${input.dialect}`)
    return dialect
  }
  return {
    work: (context) => turn(rooms, dialectOf(context.run.input), context),

    async close(run, closing, events, trx) {
      const { conversationId, messageId } = run.input
      const dialect = dialectOf(run.input)
      const content = saidIn(events, dialect)
      const given = (await findMessage(trx, messageId))?.citations ?? []
      const citations = content === '' ? [] : citationsOf(content, given, false)
      if (closing.status === 'stopped') {
        await finishMessage(trx, messageId, { content, status: 'stopped', citations })
        return dialect.stopped({ conversationId, messageId })
      }
      await finishMessage(trx, messageId, { content, status: 'failed', citations, error: closing.error })
      return dialect.failed(closing.error, { conversationId, messageId })
    },

    merge: (first, second) => mergeTokens(first, second, Object.values(dialects)),
  }
}

async function turn(rooms: TurnRooms, dialect: Dialect, context: RunContext<TurnInput>): Promise<Completion> {
  const { run, signal } = context
  const { input } = run
  const { db } = rooms.database

  const before = run.attempt > 1 ? await context.events() : []
  let said = saidIn(before, dialect)

  const [question, answer, avee] = await Promise.all([
    findMessage(db, input.userMessageId),
    findMessage(db, input.messageId),
    rooms.avees.get(input.aveeId),
  ])
  if (!question || !answer || !avee) throw messageNotFound()
  // Looked up now, and never wider than when the question was asked.
  const layer = narrower(await rooms.avees.layerOf(run.userId, input.aveeId), answer.layer_used)

  const chosen = await rooms.models.choose({
    ...((input.model ?? avee.model) ? { requested: input.model ?? avee.model ?? '' } : {}),
    strong: input.strong,
    signal,
  })
  const { model } = chosen
  const start = dialect.start({
    runId: run.id,
    conversationId: input.conversationId,
    userMessageId: input.userMessageId,
    messageId: input.messageId,
    layerUsed: layer,
    model: model.name,
    provider: model.provider,
    modelReason: chosen.reason,
  })
  if (start && !before.some((event) => isSame(event, start))) await context.emit(start)

  const history = input.history ?? (await earlierTurns(db, question, layer))
  const grounding = await ground(rooms.knowledge, context, {
    question: question.content,
    history,
    layer,
    answer,
    said,
  })
  const prompt = buildPrompt(
    {
      avee,
      layer,
      isOwner: avee.ownerId === run.userId,
      history,
      passages: grounding.citations,
      searched: input.useDocuments,
      question: question.content,
    },
    {
      contextTokens: await model.contextTokens(signal),
      count: (text) => rooms.models.countTokens(text, model.name),
    },
  )
  if (!prompt) throw promptTooLong(model.name)
  const given = grounding.citations.filter((citation) => prompt.used.includes(citation.n))
  const noted = noteGrounding(db, input.messageId, {
    citations: given,
    model: model.name,
    reason: chosen.reason,
    layer,
  })

  const joint = seam(model.continuation === 'exact' ? '' : said)
  const say = async (text: string) => {
    if (text === '') return
    said += text
    await context.emit(dialect.token(text))
  }
  const parts = model.stream(
    {
      messages: continued(prompt.messages, said, model),
      grounding: {
        question: question.content,
        passages: given,
        answerable: grounding.answerable,
        retrieved: input.useDocuments,
      },
    },
    signal,
  )
  let usage: TokenUsage = { promptTokens: null, completionTokens: null }
  let finishReason = 'stop'
  let deltas = 0
  for await (const part of parts) {
    // The log must not tell a word before what it rests on is stored.
    await noted
    if (part.type === 'text') {
      deltas += 1
      await say(joint.add(part.text))
    } else if (part.type === 'waiting') {
      const waiting = dialect.waiting(part.message)
      if (waiting) await context.emit(waiting)
    } else if (part.type === 'finish') {
      usage = part.usage
      finishReason = part.reason
    }
  }
  await noted
  await say(joint.end())
  if (said.trim() === '') throw emptyAnswer(model.name)

  return completion(rooms, dialect, context, {
    said,
    layer,
    chosen,
    citations: citationsOf(said, given, grounding.answerable),
    usage,
    totalTokens:
      run.attempt > 1 ? rooms.models.countTokens(said, model.name) : (usage.completionTokens ?? deltas),
    finishReason,
  })
}

async function completion(
  rooms: Pick<TurnRooms, 'insight'>,
  dialect: Dialect,
  context: RunContext<TurnInput>,
  end: {
    said: string
    layer: Layer
    chosen: ChosenModel
    citations: Citation[]
    usage: TokenUsage
    totalTokens: number
    finishReason: string
  },
): Promise<Completion> {
  const { conversationId, aveeId, userMessageId, messageId } = context.run.input
  const usage = { prompt_tokens: end.usage.promptTokens, completion_tokens: end.totalTokens }
  const events = dialect.complete({
    conversationId,
    messageId,
    model: end.chosen.model.name,
    usage,
    totalTokens: end.totalTokens,
    finishReason: end.finishReason,
    citations: end.citations,
  })
  for (const event of events.slice(0, -1)) await context.emit(event)
  return {
    event: events.at(-1) ?? {},
    store: async (trx) => {
      await finishMessage(trx, messageId, {
        content: end.said,
        status: 'complete',
        citations: end.citations,
        usage,
        finishReason: end.finishReason,
      })
      await updateConversation(trx, conversationId, { updated_at: new Date() })
      const { userId } = context.run
      await rooms.insight.note(trx, {
        messageId,
        questionId: userMessageId,
        conversationId,
        aveeId,
        userId,
        layer: end.layer,
      })
    },
  }
}

/** Passages to answer from: those noted by an earlier attempt, so that numbers already said stay true; else a search. */
async function ground(
  knowledge: Knowledge,
  context: RunContext<TurnInput>,
  about: { question: string; history: ChatMessage[]; layer: Layer; answer: MessageRow; said: string },
): Promise<{ citations: Citation[]; answerable: boolean }> {
  const { input } = context.run
  const within = layers.slice(0, layers.indexOf(about.layer) + 1)
  if (!input.useDocuments) return { citations: [], answerable: false }
  if (about.said !== '')
    return {
      citations: about.answer.citations.filter((citation) => within.includes(citation.layer)),
      answerable: true,
    }
  const found = await knowledge.grounding({
    aveeId: input.aveeId,
    layers: within,
    query: about.question,
    context: about.history.filter((message) => message.role === 'user').map((message) => message.content),
    words: groundingWords,
    signal: context.signal,
  })
  return { citations: numbered(found), answerable: found.answerable }
}

const numbered = (grounding: Grounding): Citation[] =>
  grounding.passages.map((passage, index) => ({
    n: index + 1,
    document_id: passage.documentId,
    title: passage.title,
    filename: passage.filename,
    page: passage.page,
    heading: passage.heading,
    passage: passage.n,
    start: passage.start,
    end: passage.end,
    text: passage.text,
    score: passage.score,
    layer: passage.layer,
    cited: false,
  }))

/** The turns above the question in its branch. Answers that were made at a wider layer than now do not come back. */
async function earlierTurns(db: Database['db'], question: MessageRow, layer: Layer): Promise<ChatMessage[]> {
  if (!question.parent_id) return []
  const messages = await branch(db, question.parent_id, historyMessages)
  return messages
    .filter((message) => message.content !== '' && message.status !== 'streaming')
    .filter(
      (message) => message.role === 'user' || narrower(message.layer_used, layer) === message.layer_used,
    )
    .map((message) => ({ role: message.role, content: message.content }))
}

const narrower = (a: Layer, b: Layer): Layer => (layers.indexOf(a) < layers.indexOf(b) ? a : b)

/** The prompt of an answer that has already begun. */
function continued(messages: ChatMessage[], said: string, model: ChatModel): ChatMessage[] {
  if (said === '') return messages
  const begun: ChatMessage = { role: 'assistant', content: said }
  return model.continuation === 'instruct'
    ? [...messages, begun, { role: 'user', content: continueInstruction }]
    : [...messages, begun]
}

function saidIn(events: RunEvent[], dialect: Dialect): string {
  return events.map((event) => dialect.textOf(JSON.parse(event.data) as EventBody) ?? '').join('')
}

const isSame = (event: RunEvent, body: EventBody) =>
  (JSON.parse(event.data) as EventBody)['event'] === body['event']

/** Tokens that one commit takes together become one event: the text is the same. */
function mergeTokens(first: EventBody, second: EventBody, dialects: Dialect[]): EventBody | undefined {
  for (const dialect of dialects) {
    const [a, b] = [dialect.textOf(first), dialect.textOf(second)]
    if (a !== undefined && b !== undefined) return dialect.token(a + b)
  }
  return undefined
}
