import type { FastifyPluginAsync } from 'fastify'
import { answerQuestion } from '../../contract/avee-insight.ts'
import { getTurnAnalysis, listFeedback, passOnQuestion, setFeedback } from '../../contract/insight.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { route } from '../http/route.ts'
import { getOwnedAvee, type Insight } from '../insight/index.ts'
import type { Chat } from './chat.ts'

/**
 * Analysis of answers, feedback, and questions to the owner: operations that read a message of the caller or add one.
 */
export const chatInsightRoutes =
  ({ chat, insight, avees }: { chat: Chat; insight: Insight; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    route(app, getTurnAnalysis, async (request, reply) => {
      const caller = callerOf(request)
      const message = await chat.getOwnMessage(caller, request.params.id)
      const { viewerLayer: layer, title } = message
      return await insight.getTurn(message.id, { layer, title }, disconnectSignal(reply))
    })

    route(app, setFeedback, async (request) => {
      const caller = callerOf(request)
      const message = await chat.getOwnMessage(caller, request.params.id)
      const row = await insight.setVote(caller, message, request.body)
      return { message_id: message.id, vote: row?.vote ?? null, note: row?.note ?? '' }
    })

    route(app, listFeedback, async (request) => {
      const caller = callerOf(request)
      const conversation = await chat.getConversation(caller, request.params.id)
      return { feedback: await insight.listVotes(conversation.id, caller.userId) }
    })

    route(app, passOnQuestion, async (request) => {
      const caller = callerOf(request)
      const message = await chat.getOwnMessage(caller, request.params.id)
      const question =
        message.role === 'assistant' && message.parentId !== null
          ? await chat.getOwnMessage(caller, message.parentId)
          : message
      const forwarded = await insight.questions.forward(caller.userId, question, request.body?.note ?? '')
      return { question_id: forwarded.groupId, message_id: question.id, passed_on_at: forwarded.at }
    })

    route(app, answerQuestion, async (request, reply) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      const { documentId, replies } = await insight.questions.answer(
        avee,
        request.params.question_id,
        request.body,
        chat.addOwnerReply,
        disconnectSignal(reply),
      )
      return { document_id: documentId, replies }
    })
  }
