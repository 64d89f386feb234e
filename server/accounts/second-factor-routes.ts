import type { FastifyPluginAsync } from 'fastify'
import {
  beginTotp,
  createRecoveryCodes,
  disableTotp,
  enableTotp,
  getFactors,
} from '../../contract/second-factors.ts'
import { sessionCallerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Accounts } from './accounts.ts'

const done = { ok: true } as const

/** The second factors of the caller. */
export const secondFactorRoutes =
  ({ factors }: Pick<Accounts, 'factors'>): FastifyPluginAsync =>
  async (app) => {
    route(app, getFactors, async (request) => factors.list(sessionCallerOf(request).userId))

    route(app, beginTotp, async (request) => factors.beginTotp(sessionCallerOf(request).userId, request.body))

    route(app, enableTotp, async (request) => ({
      recovery_codes: await factors.enableTotp(sessionCallerOf(request).userId, request.body.code),
    }))

    route(app, disableTotp, async (request) => {
      await factors.disableTotp(sessionCallerOf(request).userId, request.body)
      return done
    })

    route(app, createRecoveryCodes, async (request) => ({
      recovery_codes: await factors.renewRecoveryCodes(sessionCallerOf(request).userId, request.body),
    }))
  }
