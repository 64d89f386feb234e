import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  beginPasskey,
  beginTotp,
  createPasskey,
  createRecoveryCodes,
  deletePasskey,
  disableTotp,
  enableTotp,
  getFactors,
} from '../../contract/second-factors.ts'
import { sessionCallerOf } from '../http/caller.ts'
import { relyingParty } from '../http/relying-party.ts'
import { route } from '../http/route.ts'
import type { Accounts } from './accounts.ts'
import type { PasskeyRow } from './passkey-store.ts'
import type { Confirmation } from './second-factors.ts'

const done = { ok: true } as const

/** Returns the proof that the caller of a request is the user. */
export const confirmationOf = (
  request: FastifyRequest & { body: Omit<Confirmation, 'caller'> },
): Confirmation => ({ ...request.body, caller: sessionCallerOf(request) })

/** The second factors of the caller. */
export const secondFactorRoutes =
  ({
    accounts: { factors },
    publicUrl,
  }: {
    accounts: Pick<Accounts, 'factors'>
    publicUrl: string | null
  }): FastifyPluginAsync =>
  async (app) => {
    route(app, getFactors, async (request) => {
      const { passkeys, ...others } = await factors.list(sessionCallerOf(request).userId)
      return { passkeys: passkeys.map(presentPasskey), ...others }
    })

    route(app, beginTotp, async (request) => factors.beginTotp(confirmationOf(request)))

    route(app, enableTotp, async (request) => ({
      recovery_codes: await factors.enableTotp(sessionCallerOf(request).userId, request.body.code),
    }))

    route(app, disableTotp, async (request) => {
      await factors.disableTotp(confirmationOf(request))
      return done
    })

    route(app, createRecoveryCodes, async (request) => ({
      recovery_codes: await factors.renewRecoveryCodes(confirmationOf(request)),
    }))

    route(app, beginPasskey, async (request) => {
      const options = await factors.beginPasskey(confirmationOf(request), relyingParty(request, publicUrl))
      return { options: { ...options } }
    })

    route(app, createPasskey, async (request) => {
      const { userId } = sessionCallerOf(request)
      const { name, response } = request.body
      const party = relyingParty(request, publicUrl)
      const { passkey, recovery_codes } = await factors.createPasskey(userId, name, response, party)
      return { ...presentPasskey(passkey), recovery_codes }
    })

    route(app, deletePasskey, async (request) => {
      await factors.deletePasskey(request.params.id, confirmationOf(request))
      return done
    })
  }

const presentPasskey = ({ id, name, created_at, last_used_at }: PasskeyRow) => ({
  id,
  name,
  created_at: created_at.toISOString(),
  last_used_at: last_used_at?.toISOString() ?? null,
})
