import type { Citation } from '../../contract/messages.ts'
import type { ModelInfo } from '../../contract/models.ts'
import type { Avee, Avees } from '../avees/index.ts'
import {
  answerStopped,
  answerUnfinished,
  type ChatEvents,
  type Protocol,
  type Rendering,
  type Sampling,
  textOf,
} from '../chat/index.ts'
import { newId } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import { AppError } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import { checkRequest, isSameModel, type ToolCall } from '../models/index.ts'
import { canonicalFormat, type EventBody, type RunRecord, type Runs } from '../runs/index.ts'
import {
  completionFailed,
  conversationOfOther,
  modelNotFound,
  previousNotFound,
  unsupported,
} from './errors.ts'
import {
  type CompletionDependencies,
  type CompletionInput,
  completionKind,
  isVisible,
  splitTurns,
} from './kind.ts'
import {
  type CompletionRequest,
  type CompletionRow,
  completionExpression,
  findCompletion,
  listKept,
  listQuoting,
} from './store.ts'

/** A request of other software, parsed by the gateway of its protocol. */
export type NewCompletion = CompletionRequest & {
  /** `avee/<handle>`, or the name of a plain model. */
  model: string
  /** The default format for readers of the answer. */
  protocol: string
  sampling: Sampling
  rendering?: Rendering
  /** Whether later requests may continue it. */
  isKept?: boolean
  /** The run of the completion that this one continues. */
  previousId?: string | undefined
  /** Stores the answer of an avee in a new conversation. */
  isStored?: boolean
  /** Continues a conversation, which supplies the history. */
  conversationId?: string | undefined
  idempotencyKey?: string | undefined
}

/** A finished answer, as its reader may see it now. */
export type CompletedAnswer = {
  content: string
  citations: Citation[]
  toolCalls: ToolCall[]
  usage: { prompt_tokens: number | null; completion_tokens: number | null }
  finishReason: string
  conversationId: string | undefined
}

/** An avee or model, in the form of a model. */
export type OfferedModel = { name: string; avee: Avee } | { name: string; plain: ModelInfo }

type LastEvent = Partial<Omit<ChatEvents['complete'], 'event'> & Pick<ChatEvents['error'], 'error'>> & {
  event?: string
}

const aveePrefix = 'avee/'
const kind = 'completion'

/**
 * Answers to requests of other software. They are runs, but not part of a conversation unless the request asks for it.
 */
export function completions({
  runs,
  deletions,
  protocols,
  ...dependencies
}: CompletionDependencies & {
  avees: Pick<Avees, 'view' | 'listReachable'>
  runs: Runs
  deletions: Pick<Deletions, 'onPurge'>
  protocols: Record<string, Protocol>
}) {
  const { avees, chat, models } = dependencies
  const { db } = dependencies.database
  runs.register(kind, completionKind(dependencies, protocols))

  deletions.onPurge(async (documents) => {
    for (const subject of documents.length === 0 ? [] : await listQuoting(db, documents))
      await runs.delete({ kind, subject })
  })

  async function viewAvee(caller: Caller, model: string) {
    return await avees.view(caller, model.slice(aveePrefix.length)).catch((error: unknown) => {
      throw error instanceof AppError && error.status === 404 ? modelNotFound() : error
    })
  }

  /**
   * @throws model_not_found, also for a key that is restricted to an avee and for the built-in model
   */
  function requirePlain(caller: Caller, model: string): void {
    if (caller.aveeId !== null || model === 'extractive') throw modelNotFound()
  }

  async function requirePrevious(caller: Caller, id: string, aveeId: string | null): Promise<CompletionRow> {
    const run = await runs.get(id)
    const found =
      run?.kind === kind && run.userId === caller.userId && run.scope === aveeId
        ? await findCompletion(db, id)
        : undefined
    if (found?.content == null) throw previousNotFound()
    if (aveeId !== null && !(await isVisible(dependencies, found, aveeId, caller))) throw previousNotFound()
    return found
  }

  async function start(caller: Caller, request: NewCompletion): Promise<RunRecord> {
    return request.model.toLowerCase().startsWith(aveePrefix)
      ? await askAvee(caller, request)
      : await askModel(caller, request)
  }

  async function askAvee(caller: Caller, request: NewCompletion): Promise<RunRecord> {
    const { avee, layer } = await viewAvee(caller, request.model)
    assertAnswerable(request)
    const { question, history, instructions } = splitTurns(request.messages)
    const { model, protocol, sampling, conversationId, idempotencyKey } = request
    const rendering = { ...request.rendering, modelName: model }
    if (request.isStored || conversationId !== undefined) {
      const options = { protocol, sampling, rendering, instructions, idempotencyKey }
      if (conversationId === undefined)
        return (await chat.askInNewConversation(caller, avee.id, question, { ...options, history })).run
      const conversation = await chat.getConversation(caller, conversationId)
      if (conversation.avee_id !== avee.id) throw conversationOfOther()
      return (await chat.ask(caller, conversationId, question, options)).run
    }
    chat.validateQuestion(question)
    return await startRun(caller, request, { aveeId: avee.id, rendering, layer })
  }

  async function askModel(caller: Caller, request: NewCompletion): Promise<RunRecord> {
    const { model: requested, sampling, messages, tools, toolChoice, responseFormat } = request
    requirePlain(caller, requested)
    if (request.isStored || request.conversationId !== undefined)
      throw unsupported('store', 'Only the answers of avees are stored as conversations.')
    await models.requireChatModel(requested).catch((error: unknown) => {
      // A fallback may answer for an unreachable service.
      if (!(error instanceof AppError) || error.status < 500) throw error
    })
    const { model } = await models.selectModel({ requested, signal: AbortSignal.timeout(checkTimeoutMs) })
    const grounding = { question: '', passages: [], answerable: null }
    checkRequest(model, { ...sampling, messages, tools, toolChoice, responseFormat, grounding })
    return await startRun(caller, request, { aveeId: null, rendering: request.rendering ?? {}, layer: null })
  }

  async function startRun(
    caller: Caller,
    request: NewCompletion,
    {
      aveeId,
      rendering,
      layer,
    }: {
      aveeId: string | null
      rendering: Rendering
      layer: Parameters<typeof completionExpression>[0]['layer']
    },
  ): Promise<RunRecord> {
    const { messages, tools, toolChoice, responseFormat, previousId, isKept = false } = request
    if (previousId !== undefined) await requirePrevious(caller, previousId, aveeId)
    const id = newId()
    const input: CompletionInput = {
      aveeId,
      ...(aveeId === null && { model: request.model }),
      strong: false,
      useDocuments: true,
      protocol: request.protocol,
      sampling: request.sampling,
      rendering,
      isKept,
    }
    const stored = completionExpression({
      request: { messages, tools, toolChoice, responseFormat },
      layer,
      isKept,
      previousId: previousId ?? null,
    })
    const { run } = await runs.start(
      {
        id,
        kind,
        userId: caller.userId,
        subject: id,
        ...(aveeId !== null && { scope: aveeId }),
        input,
        idempotencyKey: request.idempotencyKey,
      },
      { expressions: stored },
    )
    return run
  }

  return {
    /** Starts an answer. @throws model_not_found, unsupported, previous_response_not_found and the errors of a question */
    start,

    /** Waits until an answer is complete. @throws the error of a failed answer */
    async wait(caller: Caller, run: RunRecord, signal: AbortSignal): Promise<CompletedAnswer> {
      const events: EventBody[] = []
      const view = await runs.view(run, () => caller, canonicalFormat)
      for await (const batch of runs.follow(run.id, 0, signal))
        for (const event of batch)
          events.push(...(await view.framesOf(event)).map((frame) => JSON.parse(frame) as EventBody))
      signal.throwIfAborted()
      const last = events.at(-1) as LastEvent | undefined
      if (last?.error) throw completionFailed(last.error)
      if (last?.event === 'stopped') throw answerStopped()
      // The log ended early because this server shuts down; another process continues the answer.
      if (last?.event !== 'complete') throw answerUnfinished({ run_id: run.id })
      const { citations = [], client_tool_calls = [], finish_reason = 'stop' } = last
      return {
        content: textOf(events),
        citations,
        toolCalls: client_tool_calls,
        usage: last.usage ?? { prompt_tokens: null, completion_tokens: null },
        finishReason: finish_reason,
        conversationId: (run.input as { conversationId?: string }).conversationId,
      }
    },

    /** Lists the answers of the caller that later requests can continue, the oldest first. */
    listKept: (caller: Caller) => listKept(db, caller.userId, caller.aveeId),

    /** Returns such an answer with its request. @throws previous_response_not_found if the caller may not read it now */
    async getKept(caller: Caller, { id, aveeId }: { id: string; aveeId: string | null }) {
      const { request, content, model } = await requirePrevious(caller, id, aveeId)
      return { model, messages: request?.messages ?? [], content }
    },

    /**
     * Lists the avees that the caller can find and ask and, unless an API key is restricted to one avee, the plain
     * models.
     */
    async listModels(caller: Caller): Promise<OfferedModel[]> {
      const known = await avees.listReachable(caller)
      const plain = caller.aveeId === null ? (await models.list()).models : []
      return [
        ...known.map((avee) => ({ name: `${aveePrefix}${avee.handle}`, avee })),
        ...plain
          .filter(({ name }) => name !== 'extractive')
          .map((model) => ({ name: model.name, plain: model })),
      ]
    },

    /** @throws model_not_found */
    async getModel(caller: Caller, name: string): Promise<OfferedModel> {
      if (name.toLowerCase().startsWith(aveePrefix)) {
        const { avee } = await viewAvee(caller, name)
        return { name: `${aveePrefix}${avee.handle}`, avee }
      }
      requirePlain(caller, name)
      const { models: all } = await models.list()
      const plain = all.find((model) => isSameModel(model.name, name))
      if (!plain) throw modelNotFound()
      return { name: plain.name, plain }
    },

    /** Returns one unit vector per text. @throws model_not_found, not_an_embedding_model */
    async embed(caller: Caller, model: string, texts: string[], signal: AbortSignal) {
      requirePlain(caller, model)
      const embedder = await models.requireEmbedder(model)
      return {
        vectors: await embedder.embed(texts, 'none', signal),
        tokens: texts.reduce((sum, text) => sum + models.countTokens(text, model), 0),
      }
    },
  }
}

export type Completions = ReturnType<typeof completions>

/** Timeout for the request for the description of a model. */
const checkTimeoutMs = 10_000

/** @throws unsupported for options that only plain models support */
function assertAnswerable({ messages, tools, responseFormat }: NewCompletion): void {
  if (tools !== undefined && tools.length > 0)
    throw unsupported('tools', 'An avee does not call tools of the client.')
  if (responseFormat !== undefined) throw unsupported('response_format', 'An avee answers with text only.')
  if (messages.some(({ role, toolCalls = [] }) => role === 'tool' || toolCalls.length > 0))
    throw unsupported('tool_calls', 'An avee does not call tools of the client.')
  if (messages.some(({ images = [] }) => images.length > 0))
    throw unsupported('images', 'An avee does not accept images here.')
  if (messages.findLast(({ role }) => role !== 'system')?.role !== 'user')
    throw unsupported('messages', 'The last message must have the role user.')
}
