import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { askAnswer, askParameters } from '../../../contract/chat.ts'
import { id } from '../../../contract/common.ts'
import { askV2Answer, askV2Parameters, intelligence } from '../../../contract/insight.ts'
import type { Avees } from '../../avees/index.ts'
import { callerOf } from '../../http/caller.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { eventStream, sendRun } from '../../http/sse.ts'
import type { Insight } from '../../insight/index.ts'
import type { Memory } from '../../memory/index.ts'
import type { Runs } from '../../runs/index.ts'
import type { AskOptions, Chat } from '../chat.ts'
import { conversationNotFound, malformedConversationId } from '../errors.ts'
import { citationsWithin } from '../present.ts'

const idempotencyHeader = z.object({ 'idempotency-key': z.string().max(200).optional() })

type AskDependencies = { chat: Chat; runs: Runs; avees: Avees; insight: Insight; memory: Memory }
type AskParameters = z.infer<typeof askV2Parameters>
type AskRequest = FastifyRequest<{ Querystring: AskParameters; Body: AskParameters | null | undefined }>

/** /chat/ask, /chat/ask-v2, /chat/stream and what is known of a conversation. */
export const askRoutes =
  ({ chat, runs, avees, insight, memory }: AskDependencies): FastifyPluginAsyncZod =>
  async (app) => {
    /** Parameters come in the body or, as URLs end up in logs less gladly, in the query string. */
    const ask = async (request: AskRequest) => {
      const parameters = { ...request.query, ...request.body }
      const conversationId = id.safeParse(parameters.conversation_id)
      if (!conversationId.success) throw malformedConversationId()
      const options = { ...optionsFrom(parameters), ...idempotencyKeyOf(request) }
      return chat.ask(callerOf(request), conversationId.data, parameters.question ?? '', options)
    }

    /** The whole answer, and who may see how much of it. A client that leaves ends only the waiting. */
    const answered = async (request: AskRequest, reply: FastifyReply) => {
      const caller = callerOf(request)
      const asked = await ask(request)
      const left = new AbortController()
      reply.raw.once('close', () => left.abort())
      const answer = await chat.waitForAnswer(asked, left.signal)
      const conversation = await chat.getConversation(caller, asked.conversationId)
      const { avee, layer } = await avees.view(caller, conversation.avee_id)
      const citations = citationsWithin(answer, layer)
      const body = {
        conversation_id: asked.conversationId,
        layer_used: answer.layer_used,
        answer: answer.content,
        used_chunks: citations.length,
        used_persona: avee.persona !== '',
        message_id: answer.id,
        model_used: answer.model ?? '',
        citations,
      }
      return { body, asked, layer, signal: left.signal }
    }

    app.post(
      '/chat/ask',
      {
        schema: {
          tags: ['chat'],
          summary: 'Ask and wait for the whole answer',
          headers: idempotencyHeader,
          querystring: askParameters,
          body: askParameters.nullish(),
          response: { 200: askAnswer },
        },
      },
      async (request, reply) => (await answered(request, reply)).body,
    )

    app.post(
      '/chat/ask-v2',
      {
        schema: {
          tags: ['chat'],
          summary: 'Ask, and learn how good the answer is, what it is about and what to ask next',
          headers: idempotencyHeader,
          querystring: askV2Parameters,
          body: askV2Parameters.nullish(),
          response: { 200: askV2Answer },
        },
      },
      async (request, reply) => {
        const { body, asked, layer, signal } = await answered(request, reply)
        const [known, learned] = await Promise.all([
          insight.analyzeNow(asked.messageId, layer, signal),
          memory.learnedFrom(asked.userMessageId, signal),
        ])
        if (!known) throw conversationNotFound()
        return { ...body, ...known, memories_extracted: learned }
      },
    )

    app.post(
      '/chat/stream',
      {
        schema: {
          tags: ['chat'],
          summary: 'Ask and read the answer as it comes',
          description:
            'Server-sent events: `start`, `token` …, then `complete`, `stopped` or an error. The answer goes on when the connection ends; read on at /runs/{id}/events.',
          headers: idempotencyHeader,
          querystring: askParameters,
          body: askParameters.nullish(),
          response: { 200: eventStream },
        },
      },
      async (request, reply) => sendRun(request, reply, runs, (await ask(request)).run.id),
    )

    app.get(
      '/chat/:id/intelligence',
      {
        schema: {
          tags: ['chat'],
          summary: 'What is known of a conversation: measures, topics, quality by turn, follow-ups',
          params: z.object({ id }),
          response: { 200: intelligence },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const conversation = await chat.getConversation(caller, request.params.id)
        const { layer } = await avees.view(caller, conversation.avee_id)
        const known = await insight.ofConversation(conversation.id, layer)
        if (!known) throw conversationNotFound()
        return known
      },
    )
  }

/** How a question is put, from the parameters of a request. */
export const optionsFrom = (parameters: {
  use_gpt4o?: boolean | undefined
  model?: string | undefined
  extract_memories?: boolean | undefined
}): AskOptions => ({
  ...(parameters.use_gpt4o === undefined ? {} : { strong: parameters.use_gpt4o }),
  ...(parameters.model === undefined ? {} : { model: parameters.model }),
  ...(parameters.extract_memories === undefined ? {} : { learn: parameters.extract_memories }),
})
