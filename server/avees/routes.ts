import type { FastifyPluginAsync } from 'fastify'
import {
  createAvee,
  deleteAvee,
  deletePermission,
  followAvee,
  getAvatar,
  getAvee,
  getProfile,
  listAvees,
  listMyAvees,
  listPermissions,
  setPermission,
  startVisit,
  unfollowAvee,
  updateAvee,
} from '../../contract/avees.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import { setSessionCookie, visitorCookie, visitorToken } from '../http/session-cookie.ts'
import { avatarPath } from './avatar.ts'
import type { AveeCard, Avees } from './avees.ts'

const done = { ok: true } as const

/** Avees, their permissions and followers. */
export const aveeRoutes =
  ({ avees }: { avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    route(app, createAvee, async (request, reply) => {
      const made = await avees.create(callerOf(request), request.body)
      void reply.header('location', `/avees/${made.avee.id}`)
      return presentAvee(made)
    })

    route(app, listAvees, async (request) => {
      const { cards, next } = await avees.listPublic(callerOf(request), request.query)
      return { avees: cards.map(presentAvee), next_cursor: next }
    })

    route(app, listMyAvees, async (request) => {
      const caller = callerOf(request)
      const cards = await (request.query.followed ? avees.listFollowed(caller) : avees.listOwned(caller))
      return { avees: cards.map(presentAvee) }
    })

    route(app, getAvee, async (request) =>
      presentAvee(await avees.getCard(callerOf(request), request.params.id)),
    )

    route(app, getProfile, async (request) => {
      const { handle, displayName, avatar, anonymous } = await avees.profile(request.params.id)
      return { handle, display_name: displayName, avatar, anonymous }
    })

    route(app, startVisit, async (request, reply) => {
      const { token, expiresAt } = await avees.startVisit(request.params.id, visitorToken(request), {
        ip: request.ip,
        userAgent: request.headers['user-agent'],
      })
      setSessionCookie(request, reply, token, expiresAt, { name: visitorCookie })
      return { token, expires_at: expiresAt }
    })

    route(app, getAvatar, async (request, reply) => {
      const { bytes, type, version } = await avees.avatar(request.caller, request.params.id)
      const isCurrent = request.query.v === version
      return await reply
        .header('cache-control', isCurrent ? 'private, max-age=31536000, immutable' : 'private, no-cache')
        .type(type)
        .code(200)
        .send(bytes)
    })

    route(app, updateAvee, async (request) => {
      const { avatar, ...fields } = request.body
      const isUnchanged = avatar === undefined || avatar?.startsWith('/')
      const changes = isUnchanged ? fields : { ...fields, avatar }
      return presentAvee(await avees.update(callerOf(request), request.params.id, changes))
    })

    route(app, deleteAvee, async (request) => {
      const receipt = await avees.delete(callerOf(request), request.params.id)
      return { deleted: true as const, receipt }
    })

    route(app, followAvee, async (request) => {
      await avees.follow(callerOf(request), request.params.id)
      return done
    })

    route(app, unfollowAvee, async (request) => {
      await avees.unfollow(callerOf(request), request.params.id)
      return done
    })

    route(app, listPermissions, async (request) => ({
      permissions: await avees.listGrants(callerOf(request), request.params.id),
    }))

    route(app, setPermission, async (request) => {
      const { id, user_id } = request.params
      return await avees.grant(callerOf(request), id, user_id, request.body.max_layer)
    })

    route(app, deletePermission, async (request) => {
      await avees.revoke(callerOf(request), request.params.id, request.params.user_id)
      return done
    })
  }

/** The wire format of an avee. Only the owner sees the persona; the owner's id is never sent. */
export function presentAvee({ avee: shown, layer, isOwner, isFollowing, followers }: AveeCard) {
  return {
    id: shown.id,
    handle: shown.handle,
    display_name: shown.displayName,
    bio: shown.bio,
    greeting: shown.greeting,
    avatar: avatarPath(shown),
    visibility: shown.visibility,
    is_library: shown.isLibrary,
    is_owner: isOwner,
    my_layer: layer,
    is_following: isFollowing,
    followers,
    model: shown.model,
    anonymous: shown.anonymous,
    example_questions: shown.exampleQuestions,
    local_only: shown.localOnly,
    tools: shown.tools,
    ...(isOwner
      ? {
          embed_origins: shown.embedOrigins,
          persona: shown.persona,
          persona_notes: shown.personaNotes,
          example_dialogue: shown.exampleDialogue,
        }
      : {}),
    created_at: shown.createdAt,
    updated_at: shown.updatedAt,
  }
}
