import { isWithin, minLayer } from '../../contract/layers.ts'
import type { CitedPassage } from '../../contract/messages.ts'
import type { Avees } from '../avees/index.ts'
import {
  type AnswerInput,
  type Chat,
  type ChatEvents,
  detailsOf,
  generate,
  mergeTokens,
  type Protocol,
  protocolRenderer,
  type Rendering,
  type StoredComplete,
  type TurnStorage,
  textOf,
} from '../chat/index.ts'
import type { Database } from '../db/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import type { ChatMessage, Models } from '../models/index.ts'
import type { Completion, EventBody, RunContext, RunEvent, RunKind, Viewer } from '../runs/index.ts'
import { modelNotFound } from './errors.ts'
import { type CompletionRow, endCompletion, findCompletion, saveGrounding } from './store.ts'

/** `aveeId` is null when a plain model answers. */
export type CompletionInput = Omit<AnswerInput, 'aveeId'> & {
  aveeId: string | null
  /** The requested format of the answer. */
  protocol: string
  rendering: Rendering
  isKept: boolean
}

export type CompletionDependencies = {
  database: Database
  chat: Chat
  models: Models
  avees: Pick<Avees, 'view'>
  knowledge: Pick<Knowledge, 'layersOf'>
}

/** The maximum number of earlier requests that a request continues. */
const maxEarlier = 50
/** The maximum number of messages of a request to an avee, more than fit into any context window. */
const maxHistory = 200
const maxHistoryCharacters = 1_000_000

const parse = ({ data }: RunEvent) => JSON.parse(data) as EventBody

const isForAvee = (
  context: RunContext<CompletionInput>,
): context is RunContext<CompletionInput & { aveeId: string }> => context.run.input.aveeId !== null

/** Answers of avees and plain models that are not part of a conversation. */
export function completionKind(
  dependencies: CompletionDependencies,
  protocols: Record<string, Protocol>,
): RunKind<CompletionInput> {
  const { db } = dependencies.database
  return {
    work: (context) =>
      isForAvee(context)
        ? dependencies.chat.answer(context, aveeStorage(dependencies, context))
        : askPlainModel(dependencies, context),

    async close(run, closing, _events, trx) {
      await endCompletion(trx, run.id, { content: null })
      if (closing.status === 'stopped') return { event: 'stopped' } satisfies ChatEvents['stopped']
      return { error: closing.error, event: 'error' } satisfies ChatEvents['error']
    },

    isChat: () => true,
    merge: mergeTokens,
    async view({ id, status, input: { aveeId } }, viewer) {
      if (aveeId === null) return { needsWholeLog: false, show: () => undefined }
      const completion = status === 'running' ? undefined : await findCompletion(db, id)
      // An answer of the built-in model consists of quotations.
      if (completion?.model === 'extractive' && !(await isVisible(dependencies, completion, aveeId, viewer)))
        return { needsWholeLog: false, show: ({ data }) => withoutText(JSON.parse(data) as EventBody) }
      return dependencies.chat.logView(aveeId, viewer)
    },
    defaultFormat: (run) => run.input.protocol,
    formats: Object.keys(protocols),
    renderer: ({ id, createdAt, input: { model = '', rendering } }, format) =>
      protocolRenderer(protocols[format] ?? (() => ({})), { ...rendering, runId: id, createdAt, model }),
  }
}

/** Whether a viewer may now see the sources of an answer. */
export async function isVisible(
  { avees, knowledge }: Pick<CompletionDependencies, 'avees' | 'knowledge'>,
  { layer_used, documents }: CompletionRow,
  aveeId: string,
  viewer: Viewer,
): Promise<boolean> {
  const { layer } = await avees.view(viewer, aveeId)
  return (
    isWithin(layer_used ?? 'public', layer) &&
    areVisible(documents, layer, await knowledge.layersOf(documents, viewer.userId))
  )
}

/** An event of an answer whose quotations are hidden. */
const withoutText = (event: EventBody): EventBody => ({
  ...event,
  ...(typeof event['token'] === 'string' ? { token: '' } : {}),
  ...(Array.isArray(event['citations'])
    ? { citations: (event['citations'] as CitedPassage[]).map(({ n }) => ({ n, status: 'no_access' })) }
    : {}),
})

/** Stores the turn of an avee as a completion. */
function aveeStorage(
  dependencies: CompletionDependencies,
  { run: { id, userId, createdAt, input } }: RunContext<CompletionInput & { aveeId: string }>,
): TurnStorage {
  const { db } = dependencies.database
  return {
    ids: {},
    isContinuation: false,

    async read(content) {
      const viewer = { userId, aveeId: null }
      const [completion, { avee, layer }] = await Promise.all([
        findCompletion(db, id),
        dependencies.avees.view(viewer, input.aveeId),
      ])
      const messages = await messagesOf(dependencies, completion, { aveeId: input.aveeId, viewer })
      if (!completion) throw modelNotFound()
      const { question, ...turns } = splitTurns(messages)
      return {
        avee,
        layer: minLayer(layer, completion.layer_used ?? 'public'),
        question: { id, content: question, created_at: createdAt },
        ...turns,
        begun: content === '' ? undefined : completion,
      }
    },

    saveGrounding: (grounding) => saveGrounding(db, id, grounding),

    finish:
      async ({ content, usage }) =>
      (trx) =>
        endCompletion(trx, id, { content: input.isKept ? content : null, usage }),
  }
}

/**
 * Splits the messages of a request into the question, which is the last one, the turns before it, and system
 * instructions.
 */
export function splitTurns(messages: ChatMessage[]) {
  const turns = messages.filter(({ role }) => role !== 'system')
  const history: ChatMessage[] = []
  let characters = 0
  for (const turn of turns.slice(-maxHistory, -1).toReversed()) {
    characters += turn.content.length
    if (characters > maxHistoryCharacters) break
    history.unshift(turn)
  }
  return {
    question: turns.at(-1)?.content ?? '',
    history,
    instructions: messages.flatMap(({ role, content }) => (role === 'system' ? content : [])).join('\n\n'),
  }
}

/** Returns the messages of a request after those of earlier requests that it continues and that may be read now. */
async function messagesOf(
  dependencies: CompletionDependencies,
  completion: CompletionRow | undefined,
  of: { aveeId: string | null; viewer: Viewer },
): Promise<ChatMessage[]> {
  const { db } = dependencies.database
  const own = completion?.request?.messages ?? []
  let before: ChatMessage[] = []
  let previousId = completion?.previous_id ?? null
  for (let n = 0; previousId !== null && n < maxEarlier; n += 1) {
    const earlier = await findCompletion(db, previousId)
    if (!earlier?.request || earlier.content === null) break
    if (of.aveeId !== null && !(await isVisible(dependencies, earlier, of.aveeId, of.viewer))) break
    // The instructions of earlier requests do not apply to this one.
    const asked = earlier.request.messages.filter(({ role }) => role !== 'system')
    before = [...asked, { role: 'assistant', content: earlier.content }, ...before]
    previousId = earlier.previous_id
  }
  if (before.length === 0) return own
  const isSystem = ({ role }: ChatMessage) => role === 'system'
  return [...own.filter(isSystem), ...before, ...own.filter((message) => !isSystem(message))]
}

/** Sends a request to a model. */
async function askPlainModel(
  dependencies: CompletionDependencies,
  context: RunContext<CompletionInput>,
): Promise<Completion> {
  const { run, signal } = context
  const { input } = run
  const { models, database } = dependencies
  const onFirstToken = run.attempt > 1 ? undefined : models.timeFirstToken()
  const earlier = run.attempt > 1 ? (await context.events()).map(parse) : []
  const completion = await findCompletion(database.db, run.id)
  const { request } = completion ?? {}
  if (!request) throw modelNotFound()
  const viewer = { userId: run.userId, aveeId: null }
  const messages = await messagesOf(dependencies, completion, { aveeId: null, viewer })
  const { model, reason } = await models.selectModel({ requested: input.model, userId: run.userId, signal })
  if (!earlier.some((event) => event['event'] === 'start'))
    await context.emit({
      event: 'start',
      model: model.name,
      run_id: run.id,
      provider: model.provider,
      model_reason: reason,
    } satisfies ChatEvents['start'])
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const { content, toolCalls, finishReason, ...generated } = await generate(
    context,
    model,
    {
      ...input.sampling,
      ...request,
      messages,
      grounding: { question, passages: [], answerable: null },
    },
    { begun: textOf(earlier), onFirstToken: () => onFirstToken?.(model) },
  )
  const completionTokens =
    (run.attempt > 1 ? null : generated.usage.completionTokens) ?? models.countTokens(content, model.name)
  const usage = { prompt_tokens: generated.usage.promptTokens, completion_tokens: completionTokens }
  return {
    event: {
      event: 'complete',
      total_tokens: completionTokens,
      usage,
      finish_reason: finishReason,
      citations: [],
      memories: [],
      ...detailsOf(model, generated),
      ...(toolCalls.length > 0 && { client_tool_calls: toolCalls }),
    } satisfies StoredComplete,
    store: (trx) =>
      endCompletion(trx, run.id, {
        content: input.isKept ? content : null,
        model: generated.by?.model ?? model.name,
        usage,
      }),
  }
}
