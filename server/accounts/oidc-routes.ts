import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { beginOidc, linkOidc, unlinkOidc } from '../../contract/oidc.ts'
import { toAppError } from '../errors.ts'
import { publicOrigin } from '../http/public-origin.ts'
import { route } from '../http/route.ts'
import { setSessionCookie } from '../http/session-cookie.ts'
import type { Accounts } from './accounts.ts'
import { loginLink } from './login-link.ts'
import { callbackPath } from './oidc.ts'
import { confirmationOf } from './second-factor-routes.ts'
import { clientOf } from './sign-in-routes.ts'

/** Binds a sign-in to the browser that started it. */
const stateCookie = 'gabee_oidc'
const settingsPage = '/settings'

/** Sign-in at the OIDC provider. */
export const oidcRoutes =
  ({ accounts, publicUrl }: { accounts: Accounts; publicUrl: string | null }): FastifyPluginAsync =>
  async (app) => {
    // Lax, because the callback is a navigation from the provider's page.
    const cookieOptions = ({ protocol }: FastifyRequest) =>
      ({ path: callbackPath, httpOnly: true, sameSite: 'lax', secure: protocol === 'https' }) as const

    function openProvider(
      request: FastifyRequest,
      reply: Pick<FastifyReply, 'setCookie'>,
      { url, state }: { url: string; state: string },
    ) {
      reply.setCookie(stateCookie, state, cookieOptions(request))
      return { url }
    }

    route(app, beginOidc, async (request, reply) =>
      openProvider(request, reply, await accounts.oidc.begin(request.body, clientOf(request))),
    )

    route(app, linkOidc, async (request, reply) => {
      return openProvider(request, reply, await accounts.oidc.link(confirmationOf(request), settingsPage))
    })

    route(app, unlinkOidc, async (request) => {
      await accounts.oidc.unlink(confirmationOf(request))
      return { ok: true as const }
    })

    const config = { access: 'public' } as const
    app.get(callbackPath, { config, exposeHeadRoute: false }, async (request, reply) => {
      const origin = publicOrigin(request, publicUrl)
      reply.clearCookie(stateCookie, cookieOptions(request)).header('cache-control', 'no-store')
      try {
        const { search } = new URL(request.url, origin)
        const finished = await accounts.oidc.finish(search, request.cookies[stateCookie], clientOf(request))
        const page = pageOf(finished.next, origin)
        if ('linked' in finished) {
          request.audited = { actorId: finished.linked.id, action: 'identity.create' }
          return await reply.redirect(page.href)
        }
        const { signedIn } = finished
        request.audited = { actorId: signedIn.user.id, action: 'session.create' }
        if ('challenge' in signedIn) {
          request.audited.action = 'session.challenge'
          const { challenge, factors } = signedIn
          const login = new URL(loginLink(origin, { challenge, factors: factors.join() }))
          login.searchParams.set('next', page.pathname + page.search)
          return await reply.redirect(login.href)
        }
        setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt, { isNavigation: true })
        return await reply.redirect(page.href)
      } catch (thrown) {
        const error = toAppError(thrown)
        request.log.warn({ err: thrown }, 'a sign-in at the OIDC provider failed')
        request.audited = { action: 'session.create_failed' }
        return await reply.redirect(loginLink(origin, { error: error.code }))
      }
    })
  }

/** Returns a page of this server; the start page for any other address. */
function pageOf(next: string | undefined, origin: string): URL {
  const start = new URL(origin)
  const page = URL.parse(next ?? '/', start)
  return page?.origin === start.origin ? page : start
}
