import type { FastifyPluginAsync } from 'fastify'
import { editQuestion, regenerateAnswer } from '../../contract/chat.ts'
import {
  createConversation,
  deleteConversation,
  exportConversation,
  findMessages,
  getConversation,
  getMessage,
  keepVisit,
  listConversations,
  listMessages,
  restoreConversation,
  setLeaf,
  updateConversation,
} from '../../contract/conversations.ts'
import { approveToolCall } from '../../contract/tools.ts'
import type { Avees } from '../avees/index.ts'
import { type Caller, callerOf } from '../http/caller.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { route } from '../http/route.ts'
import { visitorToken } from '../http/session-cookie.ts'
import { sendRun } from '../http/sse.ts'
import type { Insight } from '../insight/index.ts'
import type { Memory } from '../memory/index.ts'
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts'
import type { Runs } from '../runs/index.ts'
import { askRoutes, optionsFrom } from './ask/routes.ts'
import type { Chat } from './chat.ts'
import { exportMarkdown } from './export.ts'
import { chatInsightRoutes } from './insight-routes.ts'
import { shareRoutes } from './shares/routes.ts'
import { conversationPosition } from './store/conversations.ts'

export type ChatRouteDependencies = {
  chat: Chat
  runs: Runs
  avees: Avees
  insight: Insight
  memory: Memory
  /** Returns the visitor with a token. */
  findVisitor: (token: string) => Promise<Caller | undefined>
  publicUrl: string | null
}

/** Conversations, their messages and branches. */
export const chatRoutes =
  (dependencies: ChatRouteDependencies): FastifyPluginAsync =>
  async (app) => {
    const { chat, runs, avees, findVisitor } = dependencies

    route(app, createConversation, async (request, reply) => {
      const created = await chat.createConversation(callerOf(request), request.body.avee)
      void reply.header('location', `/conversations/${created.id}`)
      return created
    })

    route(app, listConversations, async (request) => {
      const caller = callerOf(request)
      const { avee, archived = false, trash: inTrash, query, limit, cursor } = request.query
      const rows = await chat.listConversations(caller, {
        aveeId: avee && (await avees.view(caller, avee)).avee.id,
        query,
        after: cursor === undefined ? undefined : decodeCursor(conversationPosition, cursor),
        archived,
        inTrash,
        limit: limit + 1,
      })
      const { page, next } = pageOf(rows, limit, ({ pinned, updated_at, id }) =>
        encodeCursor({ pinned, updatedAt: updated_at, id }),
      )
      return { conversations: page, next_cursor: next }
    })

    route(app, keepVisit, async (request) => {
      const token = visitorToken(request)
      const visitor = token === undefined ? undefined : await findVisitor(token)
      return { conversations: visitor ? await chat.keepVisit(callerOf(request), visitor) : 0 }
    })

    route(app, getConversation, async (request) => chat.getConversation(callerOf(request), request.params.id))

    route(app, updateConversation, async (request) => {
      const { id } = request.params
      return await chat.updateConversation(callerOf(request), id, request.body)
    })

    route(app, deleteConversation, async (request) => {
      const { permanent } = request.query
      const receipt = await chat.deleteConversation(callerOf(request), request.params.id, permanent)
      return { deleted: true as const, receipt }
    })

    route(app, restoreConversation, async (request) =>
      chat.restoreConversation(callerOf(request), request.params.id),
    )

    route(app, listMessages, async (request) => {
      const page = await chat.listMessages(callerOf(request), request.params.id, request.query)
      return {
        ...page,
        has_more: page.offset > 0,
      }
    })

    route(app, findMessages, async (request) => ({
      matches: await chat.findMessages(callerOf(request), request.params.id, request.query),
    }))

    route(app, exportConversation, async (request, reply) => {
      const whole = await chat.getWholeConversation(callerOf(request), request.params.id)
      const conversation = whole.conversation
      const filename = `conversation-${conversation.id}`
      if (request.query.format === 'json') {
        void reply.header('content-disposition', `attachment; filename="${filename}.json"`)
        return { conversation, messages: whole.all }
      }
      return reply
        .type('text/markdown; charset=utf-8')
        .header('content-disposition', `attachment; filename="${filename}.md"`)
        .code(200)
        .send(exportMarkdown(conversation, whole.shown))
    })

    route(app, setLeaf, async (request) =>
      chat.selectBranch(callerOf(request), request.params.id, request.body.message_id),
    )

    route(app, getMessage, async (request) => chat.getMessage(callerOf(request), request.params.id))

    route(app, regenerateAnswer, async (request, reply) => {
      const { id: conversationId, message_id } = request.params
      const { continue: continues, ...body } = request.body ?? {}
      const options = {
        ...optionsFrom(body),
        continues,
        canApprove: true,
        idempotencyKey: idempotencyKeyOf(request),
      }
      const { run } = await chat.regenerate(callerOf(request), conversationId, message_id, options)
      await sendRun(request, reply, runs, run)
    })

    route(app, editQuestion, async (request, reply) => {
      const { id: conversationId, message_id } = request.params
      const options = {
        ...optionsFrom(request.body),
        canApprove: true,
        idempotencyKey: idempotencyKeyOf(request),
      }
      const { content } = request.body
      const { run } = await chat.editQuestion(callerOf(request), conversationId, message_id, content, options)
      await sendRun(request, reply, runs, run)
    })

    route(app, approveToolCall, async (request) => {
      const { id: runId, call_id } = request.params
      await chat.approveToolCall(callerOf(request), runId, call_id, request.body.approve)
      return { ok: true as const }
    })

    await app.register(askRoutes(dependencies))
    await app.register(chatInsightRoutes(dependencies))
    await app.register(shareRoutes({ shares: chat.shares, publicUrl: dependencies.publicUrl }))
  }
