import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  avee,
  aveeList,
  aveePage,
  grant,
  grantList,
  newAveeBody,
  patchAveeBody,
  putGrantBody,
  type Avee as WireAvee,
} from '../../contract/avees.ts'
import { ok, pageQuery } from '../../contract/common.ts'
import { callerOf } from '../http/caller.ts'
import type { Avees, Card } from './avees.ts'

const tags = ['avees']
const done = { ok: true } as const
const which = z.object({
  id: z.string().max(100).describe('An id or a handle; `local` is the caller’s own library.'),
})
const whichAndWhom = which.extend({ user_id: z.string().max(100).describe('An id or a handle.') })

/** Personas, their permissions and followers. */
export const aveeRoutes =
  ({ avees }: { avees: Avees }): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/avees',
      { schema: { tags, summary: 'Make an avee', body: newAveeBody, response: { 201: avee } } },
      async (request, reply) => {
        const made = await avees.create(callerOf(request), request.body)
        return reply.code(201).header('location', `/avees/${made.avee.id}`).send(present(made))
      },
    )

    app.get(
      '/avees',
      {
        schema: {
          tags,
          summary: 'Find avees',
          description: 'Public ones, newest first; `query` looks in handle, name and description.',
          querystring: pageQuery,
          response: { 200: aveePage },
        },
      },
      async (request) => {
        const { cards, next } = await avees.listPublic(callerOf(request), request.query)
        return { avees: cards.map(present), next_cursor: next }
      },
    )

    app.get(
      '/me/avees',
      { schema: { tags, summary: 'My avees', response: { 200: aveeList } } },
      async (request) => ({ avees: (await avees.listOwned(callerOf(request))).map(present) }),
    )

    app.get(
      '/avees/:id',
      { schema: { tags, summary: 'One avee', params: which, response: { 200: avee } } },
      async (request) => present(await avees.card(callerOf(request), request.params.id)),
    )

    app.patch(
      '/avees/:id',
      {
        schema: {
          tags,
          summary: 'Change an avee',
          params: which,
          body: patchAveeBody,
          response: { 200: avee },
        },
      },
      async (request) => present(await avees.update(callerOf(request), request.params.id, request.body)),
    )

    app.delete(
      '/avees/:id',
      {
        schema: {
          tags,
          summary: 'Delete an avee',
          description: 'Its documents, conversations and permissions go with it.',
          params: which,
          response: { 200: ok },
        },
      },
      async (request) => {
        await avees.delete(callerOf(request), request.params.id)
        return done
      },
    )

    app.put(
      '/avees/:id/follow',
      { schema: { tags, summary: 'Follow an avee', params: which, response: { 200: ok } } },
      async (request) => {
        await avees.follow(callerOf(request), request.params.id)
        return done
      },
    )

    app.delete(
      '/avees/:id/follow',
      { schema: { tags, summary: 'Unfollow an avee', params: which, response: { 200: ok } } },
      async (request) => {
        await avees.unfollow(callerOf(request), request.params.id)
        return done
      },
    )

    app.get(
      '/avees/:id/permissions',
      {
        schema: {
          tags,
          summary: 'Who sees more than the public layer',
          params: which,
          response: { 200: grantList },
        },
      },
      async (request) => ({ permissions: await avees.grants(callerOf(request), request.params.id) }),
    )

    app.put(
      '/avees/:id/permissions/:user_id',
      {
        schema: {
          tags,
          summary: 'Let somebody see up to a layer',
          description: 'Counts from their next message on, as taking it away does.',
          params: whichAndWhom,
          body: putGrantBody,
          response: { 200: grant },
        },
      },
      async (request) => {
        const { id, user_id } = request.params
        return await avees.grant(callerOf(request), id, user_id, request.body.max_layer)
      },
    )

    app.delete(
      '/avees/:id/permissions/:user_id',
      { schema: { tags, summary: 'Take a permission away', params: whichAndWhom, response: { 200: ok } } },
      async (request) => {
        await avees.revoke(callerOf(request), request.params.id, request.params.user_id)
        return done
      },
    )
  }

/** What goes out of an avee: its persona only to the owner, and nobody's id. */
function present({ avee: shown, layer, isOwner, isFollowing, followers }: Card): WireAvee {
  return {
    id: shown.id,
    handle: shown.handle,
    display_name: shown.displayName,
    bio: shown.bio,
    greeting: shown.greeting,
    avatar: shown.avatar,
    visibility: shown.visibility,
    is_library: shown.isLibrary,
    is_owner: isOwner,
    my_layer: layer,
    is_following: isFollowing,
    followers,
    model: shown.model,
    ...(isOwner ? { persona: shown.persona, persona_notes: shown.personaNotes } : {}),
    created_at: shown.createdAt.toISOString(),
    updated_at: shown.updatedAt.toISOString(),
  }
}
