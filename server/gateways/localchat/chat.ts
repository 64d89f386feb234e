import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { apiChatBody } from '../../../contract/localchat.ts'
import type { Avees } from '../../avees/index.ts'
import type { Chat } from '../../chat/index.ts'
import { callerOf } from '../../http/caller.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { eventStream, sendRun } from '../../http/sse.ts'
import type { Runs } from '../../runs/index.ts'

/** POST /api/chat: one question to the caller's library, in a conversation of theirs or a new one. */
export const localchatChatRoutes =
  ({ chat, runs, avees }: { chat: Chat; runs: Runs; avees: Avees }): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/api/chat',
      {
        schema: {
          tags: ['localchat'],
          summary: 'Ask the library; streams',
          description:
            'Server-sent events: `content` …, `sources` when the documents gave any, then `done`. With `history` the turns given there are the conversation so far.',
          body: apiChatBody,
          response: { 200: eventStream },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request)
        const { message = '', use_rag, history, conversation_id, model } = request.body
        const options = {
          dialect: 'localchat',
          useDocuments: use_rag,
          ...(model === undefined ? {} : { model }),
          ...(history === undefined ? {} : { history }),
          ...idempotencyKeyOf(request),
        }
        const asked = conversation_id
          ? await chat.ask(caller, conversation_id, message, options)
          : await chat.askInNewConversation(caller, (await avees.library(caller.userId)).id, message, options)
        return sendRun(request, reply, runs, asked.run.id)
      },
    )
  }
