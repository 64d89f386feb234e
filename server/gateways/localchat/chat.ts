import type { FastifyPluginAsync } from 'fastify'
import { askLibrary } from '../../../contract/localchat.ts'
import type { Avees } from '../../avees/index.ts'
import type { Chat } from '../../chat/index.ts'
import { defineError } from '../../errors.ts'
import { callerOf } from '../../http/caller.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import type { Runs } from '../../runs/index.ts'

const historyNotAllowed = defineError(
  403,
  'history_not_allowed',
  () => 'Only the owner of an avee can replace the history of a conversation. Omit history.',
)

/** POST /api/chat: asks the caller's library, in one of their conversations or a new one. */
export const localchatChatRoutes =
  ({ chat, runs, avees }: { chat: Chat; runs: Runs; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    route(app, askLibrary, async (request, reply) => {
      const caller = callerOf(request)
      const { message = '', use_rag, history, conversation_id, model } = request.body
      if (history !== undefined && conversation_id) {
        const conversation = await chat.getConversation(caller, conversation_id)
        if (!(await avees.view(caller, conversation.avee_id)).isOwner) throw historyNotAllowed()
      }
      const options = {
        protocol: 'localchat',
        useDocuments: use_rag,
        model,
        history,
        idempotencyKey: idempotencyKeyOf(request),
      }
      const asked = conversation_id
        ? await chat.ask(caller, conversation_id, message, options)
        : await chat.askInNewConversation(caller, (await avees.library(caller.userId)).id, message, options)
      await sendRun(request, reply, runs, asked.run)
    })
  }
