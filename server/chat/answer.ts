import type { Answerability } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { AnswerDetails, CitedPassage } from '../../contract/messages.ts'
import type { ToolCall } from '../../contract/tools.ts'
import type { ChatMessage, ChatModel, ChatRequest, SelectedModel } from '../models/index.ts'
import type { Completion, EventBody, RunContext, RunEvent } from '../runs/index.ts'
import { selectCitations } from './citations.ts'
import { composePrompt, type PromptDependencies, type PromptRequest } from './compose-prompt.ts'
import { type ContextRows, gatherContext } from './context.ts'
import { answerFiltered, emptyAnswer } from './errors.ts'
import {
  type ChatEvents,
  endedCalls,
  isToolEvent,
  reasoningOf,
  type StoredComplete,
  type StoredIds,
  textOf,
} from './events.ts'
import { type Generated, generate } from './generate.ts'
import { isLocalOnly as isConversationLocalOnly } from './store/conversations.ts'
import type { MessageRow } from './store/messages.ts'
import type { ToolApprovals } from './tool-approvals.ts'
import { canUseTools, generateInRounds, roundsOf } from './tool-rounds.ts'

/** The options of an answer, as its run stores them. */
export type AnswerInput = {
  aveeId: string
  strong: boolean
  model?: string | undefined
  /** Whether only models in the private network may receive the question and its context. */
  localOnly?: boolean | undefined
  /** The provider outside the private network that may receive pictures. */
  imagesTo?: string | undefined
  /** False answers without a search in the documents. */
  useDocuments: boolean
  sampling?: Sampling | undefined
}

/** Sampling options that a request may set. */
export type Sampling = Pick<ChatRequest, 'maxTokens' | 'temperature' | 'topP' | 'seed' | 'stop'>

/** The question of a turn, with the current access of its asker. */
export type Question = Pick<PromptRequest, 'avee' | 'layer' | 'question'> & {
  /** The user whom the avee answers; by default, the user of the run. */
  askerId?: string | undefined
  /** Earlier turns from the client, instead of those of the conversation. */
  history?: ChatMessage[] | undefined
  /** Instructions of the client, added below those of the avee. */
  instructions?: string | undefined
  /** The model named by the start event, if the log begins with one. */
  chosen?: SelectedModel | undefined
  /** Data for the context and this model that was read when the run was stored. */
  rows?: ContextRows | undefined
  /** The sources of the existing text of the answer. */
  begun?: Pick<MessageRow, 'citations' | 'documents'> | undefined
  /** The text that a continuation of another answer begins with. */
  continued?: string | undefined
}

export type Grounding = { citations: CitedPassage[]; model: string; reason: string; layer: Layer }

export type Answered = {
  question: string
  content: string
  layer: Layer
  memories: UsedMemory[]
  toolCalls: ToolCall[]
  citations: CitedPassage[]
  answerable: Answerability | null
  usage: { prompt_tokens: number | null; completion_tokens: number }
  finishReason: string
  reasoning: string
  /** The name of the model that has answered. */
  model: string
  details: AnswerDetails
}

/** Reads and stores a turn. */
export type TurnStorage = {
  /** The ids of the conversation and messages for the events of the turn; none outside of conversations. */
  ids: StoredIds
  /** Counts the tokens of the whole answer, because the model counts only its continuation. */
  isContinuation: boolean
  /** Handles tool calls that need approval; without it these calls are refused. */
  approvals?: ToolApprovals | undefined
  /**
   * Reads the question. `content` is the text that earlier attempts have sent; `hasCalls` is whether they called tools.
   */
  read(content: string, hasCalls: boolean): Promise<Question>
  /** Stores the sources for a continuation after a crash. */
  saveGrounding(grounding: Grounding): Promise<void>
  /** Prepares the writes of the transaction that ends the run. */
  finish(answered: Answered): Promise<NonNullable<Completion['store']>>
}

/**
 * Answers one question of an avee:
 *
 *   layer → model → start event → context → prompt → tokens → complete event and what the storage adds, in one transaction
 *
 * After a crash, and when the conversation becomes local only before a model outside the private network receives it, it
 * starts over, emits only what the log does not yet contain, and asks the model to continue.
 */
export async function answerQuestion<Input extends AnswerInput>(
  dependencies: PromptDependencies,
  context: RunContext<Input>,
  storage: TurnStorage,
): Promise<Completion> {
  const { run } = context
  const { db } = dependencies.database
  const onFirstToken = run.attempt > 1 ? undefined : dependencies.models.timeFirstToken()
  const owner = { conversationId: storage.ids.conversation_id, aveeId: run.input.aveeId }

  async function attempt({ isAgain = false } = {}): Promise<Completion> {
    const earlier = isAgain || run.attempt > 1 ? (await context.events()).map(parseEvent) : []
    const read = await storage.read(textOf(earlier), earlier.some(isToolEvent))
    const turn = isAgain ? { ...read, chosen: undefined, rows: undefined } : read
    const isLocalOnly = isAgain || run.input.localOnly === true || turn.avee.localOnly
    const answer = () =>
      answerTurn(dependencies, context, storage, { earlier, turn, isLocalOnly, isAgain, onFirstToken })
    if (isLocalOnly) return await dependencies.models.localOnly(true, answer)
    let isNowLocalOnly = false
    const check = async () => (isNowLocalOnly ||= await isConversationLocalOnly(db, owner))
    try {
      return await dependencies.models.localOnly(check, answer)
    } catch (error) {
      if (!isNowLocalOnly) throw error
      await context.flush()
      return await attempt({ isAgain: true })
    }
  }
  return await attempt()
}

async function answerTurn<Input extends AnswerInput>(
  dependencies: PromptDependencies,
  context: RunContext<Input>,
  storage: TurnStorage,
  {
    earlier,
    turn,
    isLocalOnly,
    isAgain,
    onFirstToken,
  }: {
    earlier: EventBody[]
    turn: Question
    isLocalOnly: boolean
    /** The conversation became local only, so the first model may not receive the question. */
    isAgain: boolean
    onFirstToken: ((model: ChatModel) => void) | undefined
  },
): Promise<Completion> {
  const { run, signal } = context
  const { input } = run
  const { models } = dependencies
  let content = textOf(earlier)
  const { rounds, rest } = roundsOf(earlier)
  const hasBegun = content !== '' || rounds.length > 0
  const toolNumbers = new Set(
    rounds.flatMap(({ calls }) => calls.flatMap((call) => call.result?.citations ?? [])),
  )
  const { avee, layer, question, askerId = run.userId, history, begun, continued } = turn

  const chosen =
    turn.chosen ??
    (await models.selectModel({
      requested: input.model ?? avee.model ?? undefined,
      strong: input.strong,
      userId: run.userId,
      signal,
    }))
  const { model } = chosen
  if (isAgain)
    await context.emit({
      event: 'waiting',
      message: `The conversation is now local only. ${model.name} answers instead.`,
    } satisfies ChatEvents['waiting'])
  // Sent before the start event, whose commit waits for the disk. A rejection is thrown below.
  const gathering = gatherContext(
    dependencies,
    {
      aveeId: input.aveeId,
      isOwner: avee.ownerId === askerId,
      conversationId: storage.ids.conversation_id ?? null,
      useDocuments: input.useDocuments,
      userId: askerId,
      question,
      begun,
      layer,
      isRemote: model.remote,
      history,
      rows: turn.rows,
    },
    signal,
  )
  gathering.catch(() => undefined)
  if (turn.chosen === undefined && !earlier.some((event) => event['event'] === 'start'))
    await context.emit(startEvent(run.id, storage.ids, turn, chosen))
  const gathered = await gathering
  const composed = await composePrompt(
    dependencies,
    {
      avee,
      layer,
      question,
      askerId,
      conversationId: storage.ids.conversation_id,
      instructions: turn.instructions,
      gathered,
      toolNumbers,
      model,
      isLocalOnly,
      useDocuments: input.useDocuments,
      imagesTo: input.imagesTo,
    },
    signal,
  )
  const { citations: given, offered } = composed
  const count = (text: string) => models.countTokens(text, model.name)
  const saveCitations = (citations: CitedPassage[]) =>
    storage.saveGrounding({ citations, model: model.name, reason: chosen.reason, layer })
  const grounded = turn.chosen && given.length === 0 ? Promise.resolve() : saveCitations(given)
  // Awaited before the first token, because a continuation after a crash needs the stored passages; until then a
  // rejection must not count as unhandled.
  grounded.catch(() => undefined)

  if (continued !== undefined) {
    await grounded
    content = continued
    await context.emit({ token: content } satisfies ChatEvents['token'])
  }
  const request = {
    ...input.sampling,
    messages: composed.messages,
    localOnly: gathered.hasLocalOnly,
    imagesTo: input.imagesTo ?? '',
    grounding: {
      question: question.content,
      context: gathered.history.filter(({ role }) => role === 'user').map(({ content }) => content),
      passages: given,
      answerable: gathered.answerable,
    },
  }
  const generated = offered
    ? await generateInRounds(
        { approvals: storage.approvals, count, fence: composed.fence, saveCitations },
        context,
        model,
        {
          request,
          offered,
          rounds,
          begun: continued ?? rest,
          ready: grounded,
          onFirstToken: () => onFirstToken?.(model),
          context: {
            avee,
            conversationId: storage.ids.conversation_id,
            isOwner: avee.ownerId === askerId,
            userId: askerId,
            viewerId: run.userId,
            layer,
            question: question.content,
            attachments: gathered.attachments,
            excludesLocalOnly: model.remote || offered.tools.some(({ scope }) => scope === 'external'),
          },
          citations: given,
          nextNumber:
            Math.max(
              0,
              ...toolNumbers,
              ...[...gathered.citations, ...(begun?.citations ?? [])].map(({ n }) => n),
            ) + 1,
        },
      )
    : {
        ...(await generate(context, model, request, {
          begun: content,
          ready: grounded,
          onFirstToken: () => onFirstToken?.(model),
        })),
        citations: given,
        memories: [],
        toolCalls: endedCalls(rounds.flatMap(({ calls }) => calls)),
      }
  if (generated.content.trim() === '')
    throw generated.finishReason === 'filter' ? answerFiltered(model.name) : emptyAnswer(model.name)
  const used = new Map([...composed.memories, ...generated.memories].map((memory) => [memory.id, memory]))
  // The built-in model uses no passage when none matches; a language model has read them all.
  const isRefusal = model.provider === 'extractive' && gathered.answerable === 'no'
  const citations = selectCitations(generated.content, isRefusal ? [] : generated.citations)
  // A model may find the answer in passages without a word of the question.
  const answerable =
    gathered.answerable === 'no' && citations.some(({ cited }) => cited) ? 'unsure' : gathered.answerable
  const totalTokens =
    (hasBegun || storage.isContinuation ? null : generated.usage.completionTokens) ?? count(generated.content)
  const answered: Answered = {
    question: question.content,
    content: generated.content,
    layer,
    memories: [...used.values()],
    toolCalls: generated.toolCalls,
    citations,
    answerable,
    usage: { prompt_tokens: generated.usage.promptTokens, completion_tokens: totalTokens },
    finishReason: generated.finishReason,
    reasoning: reasoningOf(earlier) + generated.reasoning,
    model: generated.by?.model ?? model.name,
    details: {
      ...detailsOf(model, generated),
      ...composed.details,
      ...(composed.pages > 0 && !generated.by?.fallbackFrom && { page_images: composed.pages }),
    },
  }
  return {
    event: {
      event: 'complete',
      ...(storage.ids.message_id === undefined ? {} : { message_id: storage.ids.message_id }),
      total_tokens: totalTokens,
      usage: answered.usage,
      finish_reason: answered.finishReason,
      citations: answered.citations,
      memories: answered.memories,
      ...answered.details,
      ...(answered.toolCalls.length > 0 && { tool_calls: answered.toolCalls }),
      ...(answered.answerable === null ? {} : { answerable: answered.answerable }),
    } satisfies StoredComplete,
    store: await storage.finish(answered),
  }
}

export const startEvent = (
  runId: string,
  ids: StoredIds,
  { avee, layer }: Pick<Question, 'avee' | 'layer'>,
  { model, reason }: SelectedModel,
): ChatEvents['start'] => ({
  event: 'start',
  model: model.name,
  run_id: runId,
  ...ids,
  layer_used: layer,
  provider: model.provider,
  model_reason:
    avee.tools.length > 0 && !canUseTools(model) ? `${reason} ${model.name} cannot use tools.` : reason,
})

/** Returns which model has answered, and how. */
export function detailsOf(
  { provider, remote }: ChatModel,
  { by, usage }: Pick<Generated, 'by' | 'usage'>,
): AnswerDetails {
  return {
    provider: by?.provider ?? provider,
    remote: by?.remote ?? remote,
    ...(usage.reasoningTokens !== undefined && { reasoning_tokens: usage.reasoningTokens }),
    ...(by?.cost !== undefined && { cost: by.cost }),
    ...(by?.fallbackFrom !== undefined && { fallback_from: by.fallbackFrom }),
  }
}

export const parseEvent = (event: RunEvent): EventBody => JSON.parse(event.data) as EventBody
