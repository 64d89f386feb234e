import type { FastifyPluginAsync } from 'fastify'
import {
  getConsent,
  getTurnAnalysis,
  listFeedback,
  passOnQuestion,
  setConsent,
  setFeedback,
} from '../../contract/insight.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { route } from '../http/route.ts'
import type { Insight } from './insight.ts'
import { ownerRoutes } from './owner-routes.ts'

/** Analysis of answers, feedback, questions to the owner, and the owner's operations. */
export const insightRoutes =
  ({ insight, avees }: { insight: Insight; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    await app.register(ownerRoutes({ insight, avees }))

    route(
      app,
      getTurnAnalysis,
      async (request, reply) =>
        await insight.ofOwnAnswer(callerOf(request), request.params.id, disconnectSignal(reply)),
    )

    route(app, setFeedback, async (request) => {
      const { vote, note } = request.body
      const row = await insight.setVote(callerOf(request), request.params.id, { vote, note })
      return { message_id: request.params.id, vote: row?.vote ?? null, note: row?.note ?? '' }
    })

    route(app, listFeedback, async (request) => ({
      feedback: await insight.listVotes(callerOf(request), request.params.id),
    }))

    route(app, passOnQuestion, async (request) => {
      const sent = await insight.forwardQuestion(
        callerOf(request),
        request.params.id,
        request.body?.note ?? '',
      )
      return { question_id: sent.groupId, message_id: sent.questionId, passed_on_at: sent.at.toISOString() }
    })

    route(app, getConsent, async (request) => {
      const caller = callerOf(request)
      const { avee } = await avees.view(caller, request.params.id)
      const [sharing, choice] = await Promise.all([
        insight.questions.sharing(avee.id),
        insight.questions.choice(avee.id, caller.userId),
      ])
      return { ...sharing, my_choice: choice }
    })

    route(app, setConsent, async (request) => {
      const caller = callerOf(request)
      const { avee } = await avees.view(caller, request.params.id)
      await insight.questions.choose(avee.id, caller.userId, request.body.share)
      return { ok: true as const }
    })
  }
