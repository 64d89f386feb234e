import { randomBytes } from 'node:crypto'
import type { CitedPassage } from '../../contract/chat.ts'
import type { Answerability } from '../../contract/knowledge.ts'
import { type Layer, minLayer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Avee, Avees } from '../avees/index.ts'
import type { Insight } from '../insight/index.ts'
import type { Memory } from '../memory/index.ts'
import type { ChatMessage, ChatModel, Models, TokenUsage } from '../models/index.ts'
import type { Completion, EventBody, RunContext, RunEvent, RunKind } from '../runs/index.ts'
import { selectCitations } from './citations.ts'
import { type ContextDependencies, gatherContext } from './context.ts'
import { readUnfinished } from './continuation.ts'
import { emptyAnswer, messageNotFound, promptTooLong } from './errors.ts'
import {
  type ChatEvents,
  mergeTokens,
  type Protocol,
  protocolRenderer,
  type StoredComplete,
  textOf,
} from './events.ts'
import { createLogView, type LogViewDependencies } from './log-view.ts'
import { removeOverlap } from './overlap.ts'
import { buildPrompt } from './prompt.ts'
import { findMessage, finishMessage, type MessageRow, saveGrounding, updateConversation } from './store.ts'
import { surrogateBuffer } from './surrogate-buffer.ts'

/** The input of a turn as the run stores it: enough to start over on another node. */
export type TurnInput = {
  conversationId: string
  aveeId: string
  userMessageId: string
  messageId: string
  /** The format in which the question was asked. Readers of the log get it unless they name another. */
  protocol: string
  strong: boolean
  model?: string | undefined
  /** False answers without a search in the documents. */
  useDocuments: boolean
  /** Earlier turns from the client, instead of those of the conversation. */
  history?: ChatMessage[] | undefined
  /** False excludes this turn from memory extraction. */
  learn?: boolean | undefined
  /** The unfinished answer that this one continues. */
  continuedId?: string | undefined
}

/** What the request that asked has read and written. */
export type TurnInHand = {
  avee: Avee
  /** The user's layer when the question was asked. */
  layer: Layer
  question: Pick<MessageRow, 'id' | 'content' | 'created_at'>
}

export type TurnDependencies = ContextDependencies &
  LogViewDependencies & {
    avees: Avees
    models: Models
    insight: Pick<Insight, 'recordTurn'>
    memory: Pick<Memory, 'prepareTurn' | 'recordTurn'>
  }

const continueInstruction =
  'You were interrupted. Continue your last message exactly where it stopped, without repeating any of it and without a remark about the interruption.'

/**
 * One turn, from the question to the stored answer:
 *
 *   layer → model → start event → context → prompt → tokens → complete event + message, in one transaction
 *
 * A continuation of an unfinished answer begins with its text. After a crash the turn starts over, emits only what the
 * log does not hold yet, and asks the model to continue.
 * `protocols` are the formats in which an answer can be read, besides the canonical one.
 */
export function turnKind(
  dependencies: TurnDependencies,
  protocols: Record<string, Protocol>,
): RunKind<TurnInput> {
  return {
    work: (context) => runTurn(dependencies, context),

    async close(run, closing, events, trx) {
      const { messageId } = run.input
      const content = textOf(events.map(parse))
      const given = (await findMessage(trx, messageId))?.citations ?? []
      const citations = content === '' ? [] : selectCitations(content, given).filter(({ cited }) => cited)
      if (closing.status === 'stopped') {
        await finishMessage(trx, messageId, { content, status: 'stopped', citations })
        return { event: 'stopped', message_id: messageId } satisfies ChatEvents['stopped']
      }
      const { error } = closing
      await finishMessage(trx, messageId, { content, status: 'failed', citations, error })
      return { error, event: 'error', message_id: messageId } satisfies ChatEvents['error']
    },

    merge: mergeTokens,
    view: ({ status, input }, viewer) =>
      createLogView(dependencies, { ...input, isRunning: status === 'running' }, viewer),
    defaultFormat: (run) => run.input.protocol,
    formats: Object.keys(protocols),
    renderer: ({ id, createdAt, input: { conversationId, messageId, model = '' } }, format) =>
      protocolRenderer(protocols[format] ?? {}, {
        runId: id,
        createdAt,
        conversationId,
        messageId,
        model,
      }),
  }
}

async function runTurn(dependencies: TurnDependencies, context: RunContext<TurnInput>): Promise<Completion> {
  const { run, signal } = context
  const { input } = run
  const { db } = dependencies.database

  const earlier = run.attempt > 1 ? (await context.events()).map(parse) : []
  let content = textOf(earlier)

  const { avee, layer, question, answer } =
    context.inHand === undefined
      ? await readTurn(dependencies, run)
      : { ...(context.inHand as TurnInHand), answer: undefined }

  const chosen = await dependencies.models.selectModel({
    requested: input.model ?? avee.model ?? undefined,
    strong: input.strong,
    signal,
  })
  const { model } = chosen
  if (!earlier.some((event) => event['event'] === 'start')) {
    await context.emit({
      event: 'start',
      model: model.name,
      run_id: run.id,
      message_id: input.messageId,
      user_message_id: input.userMessageId,
      conversation_id: input.conversationId,
      layer_used: layer,
      provider: model.provider,
      model_reason: chosen.reason,
    } satisfies ChatEvents['start'])
  }

  const isContinuation = content === '' && input.continuedId !== undefined
  const continued = isContinuation
    ? await readUnfinished({ db, knowledge: dependencies.knowledge }, input.continuedId ?? '', layer)
    : undefined

  const gathered = await gatherContext(
    dependencies,
    {
      ...input,
      userId: run.userId,
      question,
      answer: content === '' ? continued : answer,
      layer,
      isRemote: model.remote,
      history: input.history,
    },
    signal,
  )
  const prompt = buildPrompt(
    {
      ...gathered,
      avee,
      layer,
      isOwner: avee.ownerId === run.userId,
      passages: gathered.citations,
      memories: gathered.memories.map(({ line }) => line),
      searched: input.useDocuments,
      fence: randomBytes(4).toString('hex'),
      question: question.content,
      askedAt: question.created_at,
    },
    {
      contextTokens: await model.contextTokens(signal),
      count: (text) => dependencies.models.countTokens(text, model.name),
    },
  )
  if (!prompt) throw promptTooLong(model.name)
  const given = gathered.citations.filter((citation) => prompt.usedPassages.includes(citation.n))
  const memories = gathered.memories.flatMap(({ line, ...memory }) =>
    prompt.usedMemories.includes(line) ? [memory] : [],
  )
  const grounded = saveGrounding(db, input.messageId, {
    citations: given,
    documents: continued?.documents ?? [],
    model: model.name,
    reason: chosen.reason,
    layer,
  })
  // It is awaited before the first token, because a continuation after a crash needs the stored passages; a rejection
  // before that must not count as unhandled.
  grounded.catch(() => undefined)

  if (continued) {
    await grounded
    content = continued.content
    await context.emit({ token: content } satisfies ChatEvents['token'])
  }
  const overlap = removeOverlap(model.continuation === 'exact' ? '' : content)
  const characters = surrogateBuffer()
  const emit = async (piece: string, isLast = false) => {
    const token = characters.add(piece) + (isLast ? characters.end() : '')
    if (token === '') return
    content += token
    await context.emit({ token } satisfies ChatEvents['token'])
  }
  const parts = model.stream(
    {
      messages: withContinuation(prompt.messages, content, model),
      grounding: {
        question: question.content,
        passages: given,
        answerable: gathered.answerable,
      },
    },
    signal,
  )
  // The built-in model uses no passage when none fits; a language model has read them all.
  const isRefusal = model.provider === 'extractive' && gathered.answerable === 'no'
  let usage: TokenUsage = { promptTokens: null, completionTokens: null }
  let finishReason = 'stop'
  for await (const part of parts) {
    await grounded
    if (part.type === 'text') {
      await emit(overlap.add(part.text))
    } else if (part.type === 'waiting') {
      await context.emit({ event: 'waiting', message: part.message } satisfies ChatEvents['waiting'])
    } else if (part.type === 'finish') {
      usage = part.usage
      finishReason = part.reason
    }
  }
  await grounded
  await emit(overlap.end(), true)
  if (content.trim() === '') throw emptyAnswer(model.name)

  return await complete(dependencies, context, {
    question: question.content,
    content,
    layer,
    memories,
    citations: selectCitations(content, isRefusal ? [] : given),
    answerable: gathered.answerable,
    usage,
    // The model has counted only the tokens of a continuation.
    totalTokens:
      (run.attempt > 1 || input.continuedId !== undefined ? null : usage.completionTokens) ??
      dependencies.models.countTokens(content, model.name),
    finishReason,
  })
}

/** Reads what a turn works with. The layer is the current one, but never wider than when the question was asked. */
async function readTurn(
  { database: { db }, avees }: Pick<TurnDependencies, 'database' | 'avees'>,
  { input, userId }: RunContext<TurnInput>['run'],
) {
  const [question, answer, { avee, layer }] = await Promise.all([
    findMessage(db, input.userMessageId),
    findMessage(db, input.messageId),
    avees.view({ userId, aveeId: null }, input.aveeId),
  ])
  if (!question || !answer) throw messageNotFound()
  return { avee, layer: minLayer(layer, answer.layer_used), question, answer }
}

async function complete(
  { insight, memory }: Pick<TurnDependencies, 'insight' | 'memory'>,
  { run }: RunContext<TurnInput>,
  end: {
    question: string
    content: string
    layer: Layer
    memories: UsedMemory[]
    citations: CitedPassage[]
    answerable: Answerability | null
    usage: TokenUsage
    totalTokens: number
    finishReason: string
  },
): Promise<Completion> {
  const { conversationId, aveeId, userMessageId, messageId } = run.input
  const { userId } = run
  const usage = { prompt_tokens: end.usage.promptTokens, completion_tokens: end.totalTokens }
  const remembered =
    run.input.learn === false
      ? undefined
      : await memory.prepareTurn({
          aveeId,
          userId,
          conversationId,
          userMessageId,
          messageId,
          question: end.question,
          answer: end.content,
          layer: end.layer,
          recalled: end.memories.map(({ id }) => id),
        })
  return {
    event: {
      event: 'complete',
      message_id: messageId,
      total_tokens: end.totalTokens,
      usage,
      finish_reason: end.finishReason,
      citations: end.citations,
      memories: end.memories,
      ...(end.answerable === null ? {} : { answerable: end.answerable }),
    } satisfies StoredComplete,
    store: async (trx) => {
      await finishMessage(trx, messageId, {
        content: end.content,
        status: 'complete',
        citations: end.citations,
        usage,
        finishReason: end.finishReason,
      })
      await updateConversation(trx, conversationId, { updated_at: new Date() })
      await insight.recordTurn(trx, {
        messageId,
        questionId: userMessageId,
        conversationId,
        aveeId,
        userId,
        layer: end.layer,
      })
      if (remembered) await memory.recordTurn(trx, remembered)
    },
  }
}

/** The prompt of an answer that has `content` already and is to be continued. */
function withContinuation(messages: ChatMessage[], content: string, model: ChatModel): ChatMessage[] {
  if (content === '') return messages
  const begun: ChatMessage = { role: 'assistant', content }
  return model.continuation === 'instruct'
    ? [...messages, begun, { role: 'user', content: continueInstruction }]
    : [...messages, begun]
}

const parse = (event: RunEvent): EventBody => JSON.parse(event.data) as EventBody
