import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { askQuestion, askQuestionV2, streamAnswer, tryAvee } from '../../../contract/chat.ts'
import { id } from '../../../contract/common.ts'
import { getConversationAnalysis } from '../../../contract/insight.ts'
import type { Avees } from '../../avees/index.ts'
import { callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { type RequestOf, route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import type { Insight } from '../../insight/index.ts'
import type { Memory } from '../../memory/index.ts'
import type { Runs } from '../../runs/index.ts'
import type { Chat } from '../chat.ts'
import { malformedConversationId } from '../errors.ts'
import { isAvailable } from '../policy.ts'
import type { AskOptions } from '../start-turn.ts'

type AskDependencies = { chat: Chat; runs: Runs; avees: Avees; insight: Insight; memory: Memory }
type AskRequest = RequestOf<typeof askQuestion> | RequestOf<typeof askQuestionV2>

/** Questions, and the analysis of a conversation. */
export const askRoutes =
  ({ chat, runs, avees, insight, memory }: AskDependencies): FastifyPluginAsync =>
  async (app) => {
    /** Starts an answer. Members of the body take precedence over the query string. */
    const ask = async (request: AskRequest, canApprove = false) => {
      const parameters = { ...request.query, ...request.body }
      const conversationId = id.safeParse(parameters.conversation_id)
      if (!conversationId.success) throw malformedConversationId()
      const options = {
        ...optionsFrom(parameters),
        canApprove,
        idempotencyKey: idempotencyKeyOf(request),
      }
      return chat.ask(callerOf(request), conversationId.data, parameters.question ?? '', options)
    }

    /** Waits for the answer. A client that disconnects ends only the wait. */
    const waitForAnswer = async (request: AskRequest, reply: FastifyReply) => {
      const caller = callerOf(request)
      const asked = await ask(request)
      const signal = disconnectSignal(reply)
      const answer = await chat.waitForAnswer(caller, asked, signal)
      const conversation = await chat.getConversation(caller, asked.conversationId)
      const { avee, layer } = await avees.view(caller, conversation.avee_id)
      const body = {
        conversation_id: asked.conversationId,
        layer_used: answer.layer_used,
        answer: answer.content,
        used_chunks: answer.citations.filter(isAvailable).length,
        used_persona: avee.persona !== '',
        message_id: answer.id,
        model_used: answer.model ?? '',
        citations: answer.citations,
      }
      return { body, asked, conversation, layer, signal }
    }

    route(app, askQuestion, async (request, reply) => (await waitForAnswer(request, reply)).body)

    route(app, askQuestionV2, async (request, reply) => {
      const { body, asked, conversation, layer, signal } = await waitForAnswer(request, reply)
      const [analysis, memoryCount] = await Promise.all([
        insight.getTurn(asked.messageId, { layer, title: conversation.title }, signal),
        memory.extractNow(asked.userMessageId, signal),
      ])
      return { ...body, ...analysis, memories_extracted: memoryCount }
    })

    route(app, streamAnswer, async (request, reply) =>
      sendRun(request, reply, runs, (await ask(request, true)).run),
    )

    route(app, tryAvee, async (request, reply) =>
      sendRun(request, reply, runs, await chat.try(callerOf(request), request.params.id, request.body)),
    )

    route(app, getConversationAnalysis, async (request) => {
      const caller = callerOf(request)
      const conversation = await chat.getConversation(caller, request.params.id)
      return await insight.getConversation(await chat.getHistory(conversation), conversation.viewer_layer)
    })
  }

/** Converts the parameters of a request into options. */
export const optionsFrom = (parameters: {
  use_gpt4o?: boolean | undefined
  model?: string | undefined
  extract_memories?: boolean | undefined
  attachments?: string[] | undefined
  images_to?: string | undefined
  local_only?: boolean | undefined
}): AskOptions => ({
  strong: parameters.use_gpt4o,
  model: parameters.model,
  learn: parameters.extract_memories,
  attachments: parameters.attachments,
  imagesTo: parameters.images_to,
  localOnly: parameters.local_only,
})
