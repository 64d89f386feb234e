import { type Expression, type Insertable, sql, type Updateable } from 'kysely'
import { type Layer } from '../../contract/layers.ts'
import type { ToolName } from '../../contract/tools.ts'
import { type Db, likePatterns, type Row, type Tables } from '../db/index.ts'

type AveeRow = Row<'avees'>

export type Avee = {
  id: string
  ownerId: string
  handle: string
  /** Whether it is a user's document library. */
  isLibrary: boolean
  displayName: string
  bio: string
  persona: string
  /** Instructions derived from the owner's feedback. */
  personaNotes: string
  /** Sample replies that set the tone of the answers. */
  exampleDialogue: string
  greeting: string
  avatar: string | null
  visibility: AveeRow['visibility']
  /** The model that answers; null for the default. */
  model: string | null
  /** Whether visitors without an account may use it while it is public. */
  anonymous: boolean
  exampleQuestions: string[]
  /** Origins of websites that may show it in a frame. */
  embedOrigins: string[]
  /** Whether nothing from it, or from this conversation, may be sent to a model outside the private network. */
  localOnly: boolean
  /** The tools that it may use while it answers. */
  tools: ToolName[]
  createdAt: Date
  updatedAt: Date
}

/** An avee with data about its followers and the viewer's permission. */
export type AveeSummary = { avee: Avee; granted: Layer | null; isFollowing: boolean; followers: number }

/** Selects an avee by id, by handle, or as a user's library. */
export type AveeSelector = { id: string } | { handle: string } | { libraryOf: string }

/** Editable fields; undefined fields do not change. */
export type AveeFields = Omit<
  Updateable<Tables['avees']>,
  'id' | 'owner_id' | 'is_library' | 'updated_at' | 'conversation_id'
>

export type NewAvee = AveeFields & { handle: string; display_name: string }

export async function findAvee(db: Db, which: AveeSelector): Promise<Avee | undefined> {
  const row = await db.selectFrom('avees').selectAll().where(matches(which)).executeTakeFirst()
  return row && toAvee(row)
}

/** `avatarPath` in SQL, which leaves images in the database. */
const avatarPath = sql<string | null>`case when left(avees.avatar, 5) = 'data:'
  then '/avees/' || avees.id || '/avatar?v=' || floor(extract(epoch from avees.updated_at) * 1000)
  else avees.avatar end`

/** The avees that a user may see, with the highest layer visible to them: `visibleLayer` of the policy in SQL. */
export const visibleAvees = (db: Db, userId: string) =>
  db
    .selectFrom('avees')
    .leftJoin('grants', (join) =>
      join.onRef('grants.avee_id', '=', 'avees.id').on('grants.user_id', '=', userId),
    )
    .select((eb) => [
      'avees.id',
      'avees.handle',
      'avees.display_name',
      avatarPath.as('avatar'),
      eb
        .case()
        .when('avees.owner_id', '=', userId)
        .then(sql<Layer>`'intimate'`)
        .else(sql<Layer>`coalesce(grants.max_layer, 'public')`)
        .end()
        .as('layer'),
    ])
    .where((eb) =>
      eb.or([
        eb('avees.owner_id', '=', userId),
        eb.and([
          eb('is_library', '=', false),
          eb.or([eb('grants.max_layer', 'is not', null), eb('visibility', '<>', 'private')]),
        ]),
      ]),
    )

/** Finds an avee, directly or as the avee of a user's conversation, with the layer granted to the viewer. */
export async function findGranted(
  db: Db,
  which: AveeSelector | { conversation: string },
  viewerId: string,
): Promise<{ avee: Avee; granted: Layer | null } | undefined> {
  const row = await db
    .selectFrom('avees')
    .leftJoin('grants', (join) =>
      join.onRef('grants.avee_id', '=', 'avees.id').on('grants.user_id', '=', viewerId),
    )
    .selectAll('avees')
    .select('grants.max_layer as granted')
    .$if('conversation' in which, (query) =>
      query.select((eb) =>
        eb
          .or([
            eb('avees.local_only', '=', true),
            eb.exists(
              eb
                .selectFrom('conversations')
                .select('conversations.id')
                .where('conversations.id', '=', 'conversation' in which ? which.conversation : '')
                .where('conversations.local_only', '=', true),
            ),
          ])
          .as('is_local_only'),
      ),
    )
    .where((eb) =>
      'conversation' in which
        ? eb(
            'avees.id',
            '=',
            eb
              .selectFrom('conversations')
              .select('conversations.avee_id')
              .where('conversations.id', '=', which.conversation)
              .where('conversations.user_id', '=', viewerId),
          )
        : matches(which),
    )
    .executeTakeFirst()
  if (!row) return undefined
  return {
    avee: toAvee({ ...row, local_only: Boolean(row.is_local_only ?? row.local_only) }),
    granted: row.granted,
  }
}

/**
 * Whether one of these avees is local only: nothing from it may be sent to a model outside the private network.
 * Attachments are local only if their conversation or its avee is.
 */
export async function isLocalOnly(db: Db, ids: string[]): Promise<boolean> {
  const { rows } = await sql`
    select from all_avees as held
    left join all_conversations on all_conversations.id = held.conversation_id
    join all_avees as avees on avees.id = coalesce(all_conversations.avee_id, held.id)
    where held.id = any(${ids}::uuid[]) and (avees.local_only or all_conversations.local_only)
    limit 1`.execute(db)
  return rows.length > 0
}

/** Inserts the hidden avee that holds the attachments of a conversation, unless it exists. */
export async function insertAttachmentAvee(db: Db, conversationId: string): Promise<void> {
  await sql`
    insert into all_avees (id, conversation_id, owner_id, handle, display_name, visibility)
    select id, id, user_id, id::text, '', 'private' from conversations where id = ${conversationId}
    on conflict do nothing`.execute(db)
}

/** Lists avees, newest first. */
export async function listAvees(
  db: Db,
  viewerId: string,
  filter: {
    which?: AveeSelector | undefined
    ownerId?: string
    onlyListed?: boolean
    /** Only those that the viewer follows. */
    onlyFollowed?: boolean
    /** Only those that the viewer owns, was granted or follows, and listed ones. */
    onlyReachable?: boolean
    words?: string | undefined
    /** The id after which the page starts. */
    after?: string | undefined
    limit?: number
  },
): Promise<AveeSummary[]> {
  let query = db
    .selectFrom('avees')
    .selectAll('avees')
    .select((eb) => [
      eb
        .selectFrom('grants')
        .select('max_layer')
        .whereRef('grants.avee_id', '=', 'avees.id')
        .where('grants.user_id', '=', viewerId)
        .as('granted'),
      eb
        .exists(
          eb
            .selectFrom('follows')
            .whereRef('follows.avee_id', '=', 'avees.id')
            .where('follows.user_id', '=', viewerId),
        )
        .as('is_following'),
      eb
        .selectFrom('follows')
        .whereRef('follows.avee_id', '=', 'avees.id')
        .select((inner) => inner.fn.countAll<string>().as('count'))
        .as('followers'),
    ])
    .orderBy('avees.id', 'desc')
  if (filter.which) query = query.where(matches(filter.which))
  if (filter.ownerId !== undefined) query = query.where('owner_id', '=', filter.ownerId)
  if (filter.onlyFollowed)
    query = query.where('avees.id', 'in', (eb) =>
      eb.selectFrom('follows').select('avee_id').where('user_id', '=', viewerId),
    )
  if (filter.onlyListed) query = query.where('visibility', '=', 'public').where('is_library', '=', false)
  if (filter.onlyReachable)
    query = query.where((eb) =>
      eb.or([
        eb('owner_id', '=', viewerId),
        eb.and([eb('visibility', '=', 'public'), eb('is_library', '=', false)]),
        ...(['grants', 'follows'] as const).map((table) =>
          eb.exists(
            eb
              .selectFrom(table)
              .whereRef(`${table}.avee_id`, '=', 'avees.id')
              .where(`${table}.user_id`, '=', viewerId),
          ),
        ),
      ]),
    )
  if (filter.after !== undefined) query = query.where('avees.id', '<', filter.after)
  if (filter.limit !== undefined) query = query.limit(filter.limit)
  if (filter.words) {
    const patterns = likePatterns(filter.words)
    query = query.where(
      sql<boolean>`(handle ilike any(${patterns}) or display_name ilike any(${patterns}) or bio ilike any(${patterns}))`,
    )
  }
  return (await query.execute()).map((row) => ({
    avee: toAvee(row),
    granted: row.granted,
    isFollowing: Boolean(row.is_following),
    followers: Number(row.followers),
  }))
}

export async function insertAvee(db: Db, avee: NewAvee & { id: string; owner_id: string }): Promise<Avee> {
  return toAvee(await db.insertInto('avees').values(avee).returningAll().executeTakeFirstOrThrow())
}

/** Does nothing if the user already has a library. */
export async function insertLibrary(db: Db, library: Insertable<Tables['avees']>): Promise<void> {
  await db
    .insertInto('avees')
    .values({ ...library, is_library: true, visibility: 'private' })
    .onConflict((on) => on.doNothing())
    .execute()
}

export async function updateAvee(db: Db, id: string, fields: AveeFields): Promise<void> {
  const changes = { ...fields, updated_at: new Date() }
  await db.updateTable('avees').set(changes).where('id', '=', id).execute()
}

/** Adds a line to the persona notes, unless they contain it or become longer than `maxCharacters`. */
export async function addPersonaNote(db: Db, id: string, line: string, maxCharacters: number): Promise<void> {
  const added = sql<string>`concat_ws(E'\\n', nullif(rtrim(persona_notes), ''), ${line}::text)`
  await db
    .updateTable('avees')
    .set({ persona_notes: added, updated_at: new Date() })
    .where('id', '=', id)
    .where(sql<boolean>`strpos(E'\\n' || persona_notes || E'\\n', E'\\n' || ${line}::text || E'\\n') = 0`)
    .where(sql<boolean>`length(${added}) <= ${maxCharacters}`)
    .execute()
}

export async function deleteAvee(db: Db, id: string): Promise<void> {
  await db.deleteFrom('avees').where('id', '=', id).execute()
}

export async function isHandleOfOthers(db: Db, handle: string, userId: string | null): Promise<boolean> {
  const found = await db
    .selectFrom('avees')
    .select('id')
    .where(matches({ handle }))
    .where('owner_id', 'is distinct from', userId)
    .executeTakeFirst()
  return found !== undefined
}

export async function insertFollow(db: Db, aveeId: string, userId: string): Promise<void> {
  await db
    .insertInto('follows')
    .values({ avee_id: aveeId, user_id: userId })
    .onConflict((on) => on.doNothing())
    .execute()
}

export async function deleteFollow(db: Db, aveeId: string, userId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('follows')
    .where('avee_id', '=', aveeId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function upsertGrant(db: Db, aveeId: string, userId: string, layer: Layer): Promise<void> {
  await db
    .insertInto('grants')
    .values({ avee_id: aveeId, user_id: userId, max_layer: layer })
    .onConflict((on) => on.columns(['avee_id', 'user_id']).doUpdateSet({ max_layer: layer }))
    .execute()
}

export async function deleteGrant(db: Db, aveeId: string, userId: string): Promise<void> {
  await db.deleteFrom('grants').where('avee_id', '=', aveeId).where('user_id', '=', userId).execute()
}

export type GrantRow = Awaited<ReturnType<typeof listGrants>>[number]

export async function listGrants(db: Db, aveeId: string) {
  const rows = await db
    .selectFrom('grants')
    .innerJoin('users', 'users.id', 'grants.user_id')
    .leftJoin('follows', (join) =>
      join.onRef('follows.avee_id', '=', 'grants.avee_id').onRef('follows.user_id', '=', 'grants.user_id'),
    )
    .select(['grants.user_id', 'users.handle', 'users.display_name', 'grants.max_layer'])
    .select('follows.user_id as follower')
    .where('grants.avee_id', '=', aveeId)
    .orderBy('users.display_name')
    .orderBy('grants.user_id')
    .execute()
  return rows.map(({ follower, ...row }) => ({ ...row, is_follower: follower !== null }))
}

function matches(which: AveeSelector): Expression<boolean> {
  if ('id' in which) return sql<boolean>`avees.id = ${which.id}`
  if ('handle' in which) return sql<boolean>`avees.handle = ${which.handle} and not avees.is_library`
  return sql<boolean>`avees.owner_id = ${which.libraryOf} and avees.is_library`
}

function toAvee(row: AveeRow): Avee {
  return {
    id: row.id,
    ownerId: row.owner_id,
    handle: row.handle,
    isLibrary: row.is_library,
    displayName: row.display_name,
    bio: row.bio,
    persona: row.persona,
    personaNotes: row.persona_notes,
    exampleDialogue: row.example_dialogue,
    greeting: row.greeting,
    avatar: row.avatar,
    visibility: row.visibility,
    model: row.model,
    anonymous: row.anonymous,
    exampleQuestions: row.example_questions,
    embedOrigins: row.embed_origins,
    localOnly: row.local_only,
    tools: row.tools,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
