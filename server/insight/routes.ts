import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { aveeParams } from '../../contract/avees.ts'
import { id, ok } from '../../contract/common.ts'
import {
  feedback,
  feedbackBody,
  feedbackList,
  mySharing,
  passedOn,
  passOnBody,
  putMySharing,
  turnIntelligence,
} from '../../contract/insight.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { leaving } from '../http/leaving.ts'
import type { Insight } from './insight.ts'
import { ownerRoutes } from './owner-routes.ts'

const tags = ['insight']
const messageParams = z.object({ id })

/** Thumbs, questions for the owner, and what an owner learns of an avee's conversations. */
export const insightRoutes =
  ({ insight, avees }: { insight: Insight; avees: Avees }): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(ownerRoutes({ insight, avees }))

    app.get(
      '/messages/:id/intelligence',
      {
        schema: {
          tags,
          summary: 'What was worked out about an answer of yours: which statement which passage supports',
          params: messageParams,
          response: { 200: turnIntelligence },
        },
      },
      async (request, reply) =>
        await insight.ofOwnAnswer(callerOf(request), request.params.id, leaving(reply)),
    )

    app.put(
      '/messages/:id/feedback',
      {
        schema: {
          tags,
          summary: 'Give an answer of yours a thumb, or take it away',
          params: messageParams,
          body: feedbackBody,
          response: { 200: feedback },
        },
      },
      async (request) => {
        const { vote, note } = request.body
        const row = await insight.setVote(callerOf(request), request.params.id, { vote, note })
        return { message_id: request.params.id, vote: row?.vote ?? null, note: row?.note ?? '' }
      },
    )

    app.get(
      '/conversations/:id/feedback',
      {
        schema: {
          tags,
          summary: 'Your thumbs in a conversation',
          params: messageParams,
          response: { 200: feedbackList },
        },
      },
      async (request) => ({ feedback: await insight.listVotes(callerOf(request), request.params.id) }),
    )

    app.post(
      '/messages/:id/pass-on',
      {
        schema: {
          tags,
          summary: 'Send a question of yours to the owner of the avee, with your name',
          description:
            'The id is of the question or of its answer. The owner’s reply comes into the conversation as a message.',
          params: messageParams,
          body: passOnBody,
          response: { 200: passedOn },
        },
      },
      async (request) => {
        const sent = await insight.forwardQuestion(
          callerOf(request),
          request.params.id,
          request.body?.note ?? '',
        )
        return { question_id: sent.groupId, message_id: sent.questionId, passed_on_at: sent.at.toISOString() }
      },
    )

    app.get(
      '/avees/:id/sharing',
      {
        schema: {
          tags,
          summary: 'What the owner of an avee may be shown of your questions',
          params: aveeParams,
          response: { 200: mySharing },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const { avee } = await avees.view(caller, request.params.id)
        const [sharing, choice] = await Promise.all([
          insight.questions.sharing(avee.id),
          insight.questions.choice(avee.id, caller.userId),
        ])
        return { ...sharing, my_choice: choice }
      },
    )

    app.put(
      '/avees/:id/sharing',
      {
        schema: {
          tags,
          summary: 'Say that you have been told, and whether questions of yours may be shown',
          description: 'false also takes back what was shown so far, except what you passed on yourself.',
          params: aveeParams,
          body: putMySharing,
          response: { 200: ok },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const { avee } = await avees.view(caller, request.params.id)
        await insight.questions.choose(avee.id, caller.userId, request.body.share)
        return { ok: true as const }
      },
    )
  }
