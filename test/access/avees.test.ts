import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import { type Layer } from '../../contract/layers.ts'
import type { Database } from '../../server/db/index.ts'
import { ONE_DATABASE, openTestDatabase } from '../databases.ts'
import { type ErrorResponse, openServer, type TestServer } from './server.ts'

type Answer = Avee & ErrorResponse
type Page = { avees: Avee[]; next_cursor: string | null }

describe.each(ONE_DATABASE)('avees on %s', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase(kind)
  })
  afterAll(async () => await database[Symbol.asyncDispose]())

  async function open() {
    const server = await openServer(database)
    const ann = await server.register({ handle: 'ann', display_name: 'Ann' })
    const bob = await server.register({ handle: 'bob', display_name: 'Bob' })
    return Object.assign(server, { ann, bob })
  }
  const make = async (server: TestServer, token: string, more: Record<string, unknown> = {}) =>
    await server.call<Answer>('POST', '/avees', {
      token,
      body: { handle: 'sage', display_name: 'Sage', ...more },
    })
  const see = async (server: TestServer, token: string, which: string) =>
    await server.call<Answer>('GET', `/avees/${which}`, { token })
  const grant = async (server: TestServer, token: string, user: string, max_layer: Layer) =>
    await server.call<ErrorResponse>('PUT', `/avees/sage/permissions/${user}`, { token, body: { max_layer } })

  test('shows people without an account the name and picture of public avees only', async () => {
    await using server = await open()
    const { token } = server.ann
    const { id } = (
      await make(server, token, { bio: 'Knows things', persona: 'You are wise.', avatar: '🦉' })
    ).body
    const profile = (which: string) => server.call<Answer>('GET', `/avees/${which}/profile`)
    for (const which of ['sage', 'SAGE', id])
      expect((await profile(which)).body).toEqual({
        handle: 'sage',
        display_name: 'Sage',
        avatar: '🦉',
        anonymous: false,
      })
    const unknown = await profile('nobody')
    expect(unknown.status).toBe(404)
    const library = (await see(server, token, 'local')).body.id
    for (const which of ['local', library]) expect((await profile(which)).body).toEqual(unknown.body)
    for (const visibility of ['unlisted', 'private']) {
      await server.call<Answer>('PATCH', '/avees/sage', { token, body: { visibility } })
      for (const which of ['sage', id]) expect((await profile(which)).body).toEqual(unknown.body)
    }
  })

  test('lets the owner create, read, update and delete an avee', async () => {
    await using server = await open()
    const { token } = server.ann
    const created = await make(server, token, { bio: 'Knows things', persona: 'You are wise.', avatar: '🦉' })
    expect(created.status).toBe(201)
    expect(created.headers['location']).toBe(`/avees/${created.body.id}`)
    expect(created.body).toMatchObject({
      handle: 'sage',
      visibility: 'public',
      is_owner: true,
      is_library: false,
      my_layer: 'intimate',
      followers: 0,
      is_following: false,
      persona: 'You are wise.',
      persona_notes: '',
      model: null,
    })
    for (const which of ['sage', 'SAGE', created.body.id])
      expect((await see(server, token, which)).body).toEqual(created.body)

    const changed = await server.call<Answer>('PATCH', '/avees/sage', {
      token,
      body: { handle: 'wise-one', persona_notes: 'Speaks softly.', avatar: null, model: 'llama3.2:1b' },
    })
    expect(changed.body).toMatchObject({
      handle: 'wise-one',
      persona_notes: 'Speaks softly.',
      avatar: null,
      model: 'llama3.2:1b',
      bio: 'Knows things',
    })
    expect((await see(server, token, 'sage')).status).toBe(404)
    expect((await server.call('DELETE', '/avees/wise-one', { token })).body).toMatchObject({
      deleted: true,
      receipt: { avees: 1 },
    })
    expect((await see(server, token, created.body.id)).status).toBe(404)
  })

  test('shows the persona only to the owner', async () => {
    await using server = await open()
    const created = await make(server, server.ann.token, { persona: 'THE-PERSONA', visibility: 'public' })
    await server.call('PATCH', '/avees/sage', {
      token: server.ann.token,
      body: { persona_notes: 'THE-NOTES', example_dialogue: 'THE-DIALOGUE' },
    })
    for (const layer of [null, 'friends', 'intimate'] as const) {
      if (layer) await grant(server, server.ann.token, 'bob', layer)
      for (const url of ['/avees/sage', `/avees/${created.body.id}`, '/avees', '/avees?query=THE-']) {
        const { status, body } = await server.call('GET', url, { token: server.bob.token })
        expect(status).toBe(200)
        expect(JSON.stringify(body)).not.toMatch(
          /THE-PERSONA|THE-NOTES|THE-DIALOGUE|persona|example_dialogue/,
        )
        expect(JSON.stringify(body)).not.toContain(server.ann.id)
      }
    }
    expect((await server.call('GET', '/avees/sage')).status).toBe(401)
  })

  test('returns 422 for invalid fields', async () => {
    await using server = await open()
    const { token } = server.ann
    const code = async (more: Record<string, unknown>) => {
      const { status, body } = await make(server, token, more)
      return `${status} ${body.error.code}`
    }
    for (const handle of ['ab', 'a'.repeat(31), 'Upper', 'with space', 'wörd', 'a.b', '@sage']) {
      expect(await code({ handle })).toBe('422 invalid_fields')
    }
    for (const handle of ['local', 'new', 'api', 'admin']) {
      expect(await code({ handle })).toBe('409 handle_reserved')
    }
    expect(await code({ display_name: ' ' })).toBe('422 invalid_fields')
    expect(await code({ persona: 'x'.repeat(40_001) })).toBe('422 invalid_fields')
    expect(await code({ avatar: 'https://tracker.example/pixel.png' })).toBe('422 invalid_fields')
    for (const origin of [
      'https://a.example/page',
      "https://a.example; script-src 'unsafe-inline'",
      '*',
      'a.example',
      'data:',
    ]) {
      expect(await code({ embed_origins: [origin] })).toBe('422 invalid_fields')
    }
    await make(server, token)
    expect(await code({})).toBe('409 handle_taken')
    await make(server, token, { handle: 'other' })
    const renamed = await server.call<ErrorResponse>('PATCH', '/avees/other', {
      token,
      body: { handle: 'sage' },
    })
    expect(renamed.body.error.code).toBe('handle_taken')
    expect(
      (await server.call<ErrorResponse>('PATCH', '/avees/other', { token, body: { handle: 'local' } }))
        .status,
    ).toBe(409)
  })

  test('serves the image of an avee by a path that changes with it', async () => {
    await using server = await open()
    const { token } = server.ann
    const image = (text: string) => `data:image/png;base64,${Buffer.from(text).toString('base64')}`
    const { body } = await make(server, token, { avatar: image('x'.repeat(250_000)), visibility: 'private' })
    const path = body.avatar ?? ''
    expect(path).toMatch(new RegExp(`^/avees/${body.id}/avatar\\?v=\\w+$`))
    const served = await server.call<string>('GET', path, { token })
    expect([served.status, served.headers['content-type'], served.body]).toEqual([
      200,
      'image/png',
      'x'.repeat(250_000),
    ])
    expect(served.headers['cache-control']).toBe('private, max-age=31536000, immutable')
    const list = await server.call<object>('GET', '/me/avees', { token })
    expect(JSON.stringify(list.body).length).toBeLessThan(5_000)

    for (const asked of [{ token: server.bob.token }, { from: '192.168.1.20' }])
      expect((await server.call('GET', path, asked)).status).toBe(404)
    const change = async (avatar: string | null) =>
      (await server.call<Answer>('PATCH', '/avees/sage', { token, body: { avatar } })).body.avatar
    expect((await server.call('GET', (await change(path)) ?? '', { token })).body).toBe('x'.repeat(250_000))
    const changed = await change(image('y'))
    expect(changed).not.toBe(path)
    expect((await server.call('GET', changed ?? '', { token })).body).toBe('y')
    await server.call('PATCH', '/avees/sage', { token, body: { visibility: 'public' } })
    expect((await server.call('GET', changed ?? '', { from: '192.168.1.20' })).body).toBe('y')
    const outdated = await server.call('GET', path, { token })
    expect(outdated.headers['cache-control']).toBe('private, no-cache')
    expect(await change('🦉')).toBe('🦉')
    expect((await server.call('GET', path, { token })).status).toBe(404)
  })

  test('gives a handle to one of two concurrent requests', async () => {
    await using server = await open()
    const statuses = await Promise.all([make(server, server.ann.token), make(server, server.bob.token)])
    expect(statuses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
  })

  test('lets others read public avees but not change them, and hides private ones', async () => {
    await using server = await open()
    await make(server, server.ann.token)
    const touches = [
      ['PATCH', '/avees/sage', { bio: 'mine now' }],
      ['DELETE', '/avees/sage', undefined],
      ['GET', '/avees/sage/permissions', undefined],
      ['PUT', '/avees/sage/permissions/bob', { max_layer: 'intimate' }],
      ['DELETE', '/avees/sage/permissions/bob', undefined],
    ] as const
    const touch = async () =>
      await Promise.all(
        touches.map(async ([method, url, body]) => {
          const response = await server.call<ErrorResponse>(method, url, { token: server.bob.token, body })
          return `${response.status} ${response.body.error.code}`
        }),
      )
    expect(new Set(await touch())).toEqual(new Set(['403 not_the_owner']))
    await server.call('PATCH', '/avees/sage', { token: server.ann.token, body: { visibility: 'private' } })
    expect(new Set(await touch())).toEqual(new Set(['404 avee_not_found']))
    const hidden = await see(server, server.bob.token, 'sage')
    const missing = await see(server, server.bob.token, 'never-made')
    expect([hidden.status, hidden.body]).toEqual([missing.status, missing.body])
    expect((await server.call('PUT', '/avees/sage/follow', { token: server.bob.token })).status).toBe(404)
  })

  test('applies granted and revoked permissions to the next request', async () => {
    await using server = await open()
    const { ann, bob } = server
    await make(server, ann.token)
    const bobsLayer = async () => (await see(server, bob.token, 'sage')).body.my_layer
    expect(await bobsLayer()).toBe('public')
    for (const layer of ['intimate', 'friends', 'public'] as const) {
      expect((await grant(server, ann.token, layer === 'public' ? bob.id : 'bob', layer)).status).toBe(200)
      expect(await bobsLayer()).toBe(layer)
      expect(await server.avees.getLayer(bob.id, (await see(server, bob.token, 'sage')).body.id)).toBe(layer)
    }
    await grant(server, ann.token, 'bob', 'intimate')
    expect((await server.call('DELETE', '/avees/sage/permissions/bob', { token: ann.token })).body).toEqual({
      ok: true,
    })
    expect(await bobsLayer()).toBe('public')
  })

  test('shows a private avee to users with a permission and does not list it', async () => {
    await using server = await open()
    const { ann, bob } = server
    const carol = await server.register({ handle: 'carol' })
    const { id } = (await make(server, ann.token, { visibility: 'private' })).body
    await grant(server, ann.token, 'bob', 'friends')
    expect((await see(server, bob.token, 'sage')).body.my_layer).toBe('friends')
    expect((await see(server, carol.token, 'sage')).status).toBe(404)
    expect(await server.avees.canSee(bob.id, id)).toBe(true)
    expect(await server.avees.canSee(carol.id, id)).toBe(false)
    await expect(server.avees.getLayer(carol.id, id)).rejects.toMatchObject({ status: 404 })
    for (const { token } of [ann, bob, carol]) {
      expect((await server.call<Page>('GET', '/avees?query=sage', { token })).body.avees).toEqual([])
    }
    await server.call('DELETE', '/avees/sage/permissions/bob', { token: ann.token })
    expect((await see(server, bob.token, 'sage')).status).toBe(404)
  })

  test('lists permissions and grants them only to existing users', async () => {
    await using server = await open()
    const { ann, bob } = server
    await make(server, ann.token)
    await server.call('PUT', '/avees/sage/follow', { token: bob.token })
    expect((await grant(server, ann.token, 'bob', 'friends')).body).toEqual({
      user_id: bob.id,
      handle: 'bob',
      display_name: 'Bob',
      max_layer: 'friends',
      is_follower: true,
    })
    const list = async () =>
      (await server.call<{ permissions: object[] }>('GET', '/avees/sage/permissions', { token: ann.token }))
        .body.permissions
    expect(await list()).toHaveLength(1)
    expect((await grant(server, ann.token, 'nobody-here', 'friends')).body.error.code).toBe('user_not_found')
    expect((await grant(server, ann.token, bob.email, 'friends')).body.error.code).toBe('user_not_found')
    expect((await grant(server, ann.token, 'ann', 'friends')).body.error.code).toBe('owner_sees_all')
    expect((await grant(server, ann.token, 'bob', 'everything' as Layer)).status).toBe(422)
    await server.call('DELETE', '/avees/sage/permissions/bob', { token: ann.token })
    expect((await server.call('DELETE', '/avees/sage/permissions/bob', { token: ann.token })).status).toBe(
      200,
    )
    expect(await list()).toEqual([])
  })

  test('counts followers without giving them access', async () => {
    await using server = await open()
    const { ann, bob } = server
    await make(server, ann.token)
    const follow = (method: 'PUT' | 'DELETE') =>
      server.call(method, '/avees/sage/follow', { token: bob.token })
    for (let twice = 0; twice < 2; twice++) expect((await follow('PUT')).body).toEqual({ ok: true })
    expect((await see(server, bob.token, 'sage')).body).toMatchObject({
      is_following: true,
      followers: 1,
      my_layer: 'public',
    })
    expect((await see(server, ann.token, 'sage')).body).toMatchObject({ is_following: false, followers: 1 })
    const followed = async () =>
      (await server.call('GET', '/me/avees?followed=true', { token: bob.token })).body as { avees: Avee[] }
    expect((await followed()).avees.map(({ handle }) => handle)).toEqual(['sage'])
    for (let twice = 0; twice < 2; twice++) expect((await follow('DELETE')).body).toEqual({ ok: true })
    expect((await see(server, bob.token, 'sage')).body).toMatchObject({ is_following: false, followers: 0 })

    await follow('PUT')
    await server.call('PATCH', '/avees/sage', { token: ann.token, body: { visibility: 'private' } })
    expect((await see(server, bob.token, 'sage')).status).toBe(404)
    expect((await followed()).avees).toEqual([])
    expect((await follow('DELETE')).status).toBe(200)
    expect((await follow('DELETE')).status).toBe(404)
  })

  test('lists public avees in pages and searches them', async () => {
    await using server = await open()
    const { ann, bob } = server
    for (let n = 1; n <= 7; n++)
      await make(server, ann.token, {
        handle: `avee-${n}`,
        display_name: `Number ${n}`,
        bio: n === 3 ? '100% üblich' : '',
      })
    await make(server, ann.token, { handle: 'hidden', visibility: 'unlisted' })
    await server.call('GET', '/avees/local', { token: ann.token })

    const seen: string[] = []
    let cursor: string | null = null
    do {
      const url: string = `/avees?limit=3${cursor ? `&cursor=${cursor}` : ''}`
      const page: Page = (await server.call<Page>('GET', url, { token: bob.token })).body
      expect(page.avees.length).toBeLessThanOrEqual(3)
      seen.push(...page.avees.map(({ handle }) => handle))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(['avee-7', 'avee-6', 'avee-5', 'avee-4', 'avee-3', 'avee-2', 'avee-1'])

    const found = async (query: string) =>
      (
        await server.call<Page>('GET', `/avees?query=${encodeURIComponent(query)}`, { token: bob.token })
      ).body.avees.map(({ handle }) => handle)
    expect(await found('number 5')).toEqual(['avee-5'])
    expect(await found('@AVEE-2')).toEqual(['avee-2'])
    expect(await found('100%')).toEqual(['avee-3'])
    expect(await found('ÜBLICH')).toEqual(['avee-3'])
    expect(await found('a_ee')).toEqual([])
    expect(await found('hidden')).toEqual([])
    expect((await see(server, bob.token, 'hidden')).status).toBe(200)
    expect((await server.call('GET', '/avees?cursor=nonsense', { token: bob.token })).status).toBe(400)
    expect((await server.call('GET', '/avees?limit=0', { token: bob.token })).status).toBe(422)
  })

  test('gives each user one library', async () => {
    await using server = await open()
    const { ann, bob } = server
    const both = await Promise.all([see(server, ann.token, 'local'), see(server, ann.token, 'local')])
    const library = both[0].body
    expect(both[1].body.id).toBe(library.id)
    expect(library).toMatchObject({
      handle: 'local',
      is_library: true,
      is_owner: true,
      my_layer: 'intimate',
      visibility: 'private',
    })
    expect((await server.avees.library(ann.id)).id).toBe(library.id)
    expect((await see(server, bob.token, library.id)).status).toBe(404)
    expect((await see(server, bob.token, 'local')).body.id).not.toBe(library.id)

    const { token } = ann
    const refused = [
      await server.call<ErrorResponse>('DELETE', '/avees/local', { token }),
      await server.call<ErrorResponse>('PATCH', '/avees/local', { token, body: { visibility: 'public' } }),
      await server.call<ErrorResponse>('PATCH', '/avees/local', { token, body: { handle: 'mine' } }),
      await server.call<ErrorResponse>('PUT', '/avees/local/permissions/bob', {
        token,
        body: { max_layer: 'public' },
      }),
    ]
    for (const { status, body } of refused)
      expect([status, body.error.code]).toEqual([409, 'library_is_yours_alone'])
    await sql`insert into grants values (${library.id}, ${bob.id}, 'intimate')`.execute(database.db)
    expect((await see(server, bob.token, library.id)).status).toBe(404)
    const renamed = await server.call('PATCH', '/avees/local', {
      token,
      body: { display_name: 'Papers', persona: 'Terse.' },
    })
    expect(renamed.body).toMatchObject({ display_name: 'Papers', persona: 'Terse.', visibility: 'private' })
    const mine = await server.call<{ avees: Avee[] }>('GET', '/me/avees', { token })
    expect(mine.body.avees.map(({ handle }) => handle)).toEqual(['local'])
  })

  test('lets a restricted key see its avee and manage none', async () => {
    await using server = await open()
    const { ann } = server
    const sage = (await make(server, ann.token)).body
    const other = (await make(server, ann.token, { handle: 'other' })).body
    await see(server, ann.token, 'local')
    const created = await server.call<{ key: string }>('POST', '/api-keys', {
      token: ann.token,
      body: { avee_id: sage.id },
    })
    const token = created.body.key

    expect((await see(server, token, 'sage')).body).toMatchObject({ is_owner: true, my_layer: 'intimate' })
    for (const which of ['other', other.id, 'local', 'never-made'])
      expect((await see(server, token, which)).status).toBe(404)
    expect(
      (await server.call<Page>('GET', '/avees', { token })).body.avees.map(({ handle }) => handle),
    ).toEqual(['sage'])
    expect(
      (await server.call<Page>('GET', '/me/avees', { token })).body.avees.map(({ handle }) => handle),
    ).toEqual(['sage'])
    const attempts = [
      await make(server, token, { handle: 'third' }),
      await server.call<ErrorResponse>('PATCH', '/avees/sage', { token, body: { bio: 'x' } }),
      await server.call<ErrorResponse>('DELETE', '/avees/sage', { token }),
      await server.call<ErrorResponse>('GET', '/avees/sage/permissions', { token }),
      await grant(server, token, 'bob', 'intimate'),
    ]
    for (const { status, body } of attempts)
      expect([status, body.error.code]).toEqual([403, 'api_key_not_enough'])
    expect((await server.call('PATCH', '/avees/other', { token, body: { bio: 'x' } })).status).toBe(404)
    await server.call('DELETE', '/avees/sage', { token: ann.token })
    expect((await see(server, token, 'sage')).status).toBe(401)
  })
})
