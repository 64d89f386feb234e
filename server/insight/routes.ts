import type { FastifyPluginAsync } from 'fastify'
import { getConsent, listStarters, setConsent } from '../../contract/insight.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { route } from '../http/route.ts'
import type { Insight } from './insight.ts'
import { ownerRoutes } from './owner-routes.ts'

/** Conversation starters, consent of users to share unanswered questions, and the owner's operations. */
export const insightRoutes =
  ({ insight, avees }: { insight: Insight; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    await app.register(ownerRoutes({ insight, avees }))

    route(app, listStarters, async (request, reply) => {
      const { avee, layer } = await avees.view(callerOf(request), request.params.id)
      return { questions: await insight.starters(avee, layer, disconnectSignal(reply)) }
    })

    route(app, getConsent, async (request) => {
      const caller = callerOf(request)
      const { avee } = await avees.view(caller, request.params.id)
      const [sharing, consent] = await Promise.all([
        insight.questions.getSharing(avee.id),
        insight.questions.getConsent(avee.id, caller.userId),
      ])
      return { ...sharing, my_choice: consent }
    })

    route(app, setConsent, async (request) => {
      const caller = callerOf(request)
      const { avee } = await avees.view(caller, request.params.id)
      await insight.questions.setConsent(avee.id, caller.userId, request.body.share)
      return { ok: true as const }
    })
  }
