import type { Citation } from '../../contract/chat.ts'
import { type Layer, minLayer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Avees } from '../avees/index.ts'
import type { Insight } from '../insight/index.ts'
import type { Memory } from '../memory/index.ts'
import type { ChatMessage, ChatModel, Models, SelectedModel, TokenUsage } from '../models/index.ts'
import type { Completion, EventBody, RunContext, RunEvent, RunKind } from '../runs/index.ts'
import { selectCitations } from './citations.ts'
import { type ContextDependencies, gatherContext } from './context.ts'
import type { Dialect } from './dialect.ts'
import { emptyAnswer, messageNotFound, promptTooLong } from './errors.ts'
import { removeOverlap } from './overlap.ts'
import { buildPrompt } from './prompt.ts'
import { findMessage, finishMessage, saveGrounding, updateConversation } from './store.ts'
import { surrogateBuffer } from './surrogate-buffer.ts'

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
  /** False keeps the avee from remembering anything of this turn. */
  learn?: boolean
}

export type TurnDependencies = ContextDependencies & {
  avees: Avees
  models: Models
  insight: Pick<Insight, 'recordTurn'>
  memory: Pick<Memory, 'note'>
}

const continueInstruction =
  'You were interrupted. Continue your last message exactly where it stopped, without repeating any of it and without a remark about the interruption.'

/**
 * One turn, from the question to the stored answer:
 *
 *   layer → model → start event → history, passages → prompt → tokens → complete event + message, in one transaction
 *
 * After a crash it is walked again; what the log has already told is not told twice, and the model goes on from there.
 */
export function turnKind(rooms: TurnDependencies, dialects: Record<string, Dialect>): RunKind<TurnInput> {
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
      const citations = content === '' ? [] : selectCitations(content, given, false)
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

async function turn(
  rooms: TurnDependencies,
  dialect: Dialect,
  context: RunContext<TurnInput>,
): Promise<Completion> {
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
  const layer = minLayer(await rooms.avees.getLayer(run.userId, input.aveeId), answer.layer_used)

  const chosen = await rooms.models.selectModel({
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

  const material = await gatherContext(
    rooms,
    {
      ...input,
      userId: run.userId,
      question,
      answer,
      layer,
      remote: model.remote,
      history: input.history,
      emitted: said,
    },
    signal,
  )
  const prompt = buildPrompt(
    {
      ...material,
      avee,
      layer,
      isOwner: avee.ownerId === run.userId,
      passages: material.citations,
      memories: material.memories.map(({ line }) => line),
      searched: input.useDocuments,
      question: question.content,
    },
    {
      contextTokens: await model.contextTokens(signal),
      count: (text) => rooms.models.countTokens(text, model.name),
    },
  )
  if (!prompt) throw promptTooLong(model.name)
  const given = material.citations.filter((citation) => prompt.usedPassages.includes(citation.n))
  const memories = material.memories.flatMap(({ line, ...memory }) =>
    prompt.usedMemories.includes(line) ? [memory] : [],
  )
  const noted = saveGrounding(db, input.messageId, {
    citations: given,
    model: model.name,
    reason: chosen.reason,
    layer,
  })
  // Whoever waits for it hears of a failure; before that it is nobody's unhandled rejection.
  noted.catch(() => undefined)

  const joint = removeOverlap(model.continuation === 'exact' ? '' : said)
  const characters = surrogateBuffer()
  const say = async (piece: string, isLast = false) => {
    const text = characters.add(piece) + (isLast ? characters.end() : '')
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
        answerable: material.answerable,
        retrieved: input.useDocuments,
      },
    },
    signal,
  )
  let usage: TokenUsage = { promptTokens: null, completionTokens: null }
  let finishReason = 'stop'
  for await (const part of parts) {
    // The log must not tell a word before what it rests on is stored.
    await noted
    if (part.type === 'text') {
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
  await say(joint.end(), true)
  if (said.trim() === '') throw emptyAnswer(model.name)

  return completion(rooms, dialect, context, {
    said,
    layer,
    chosen,
    memories,
    citations: selectCitations(said, given, material.answerable),
    usage,
    // After a crash the model has counted only what it said since.
    totalTokens:
      (run.attempt > 1 ? null : usage.completionTokens) ?? rooms.models.countTokens(said, model.name),
    finishReason,
  })
}

async function completion(
  rooms: Pick<TurnDependencies, 'insight' | 'memory'>,
  dialect: Dialect,
  context: RunContext<TurnInput>,
  end: {
    said: string
    layer: Layer
    chosen: SelectedModel
    memories: UsedMemory[]
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
    memories: end.memories,
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
      await rooms.insight.recordTurn(trx, {
        messageId,
        questionId: userMessageId,
        conversationId,
        aveeId,
        userId,
        layer: end.layer,
      })
      if (context.run.input.learn === false) return
      await rooms.memory.note(trx, {
        aveeId,
        userId,
        conversationId,
        userMessageId,
        messageId,
        layer: end.layer,
        recalled: end.memories.map(({ id }) => id),
      })
    },
  }
}

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
