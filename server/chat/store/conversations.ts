import { type ExpressionBuilder, type Insertable, sql, type Updateable } from 'kysely'
import * as z from 'zod/mini'
import type { Layer } from '../../../contract/layers.ts'
import { visibleAvees } from '../../avees/index.ts'
import { type Db, likePatterns, type Row, type Tables, type Trx } from '../../db/index.ts'
import { quotesHidden } from './messages.ts'

/** A conversation of a user with an avee that they may see, up to `viewer_layer`. */
export type ConversationRow = Row<'conversations'> & {
  viewer_layer: Layer
  avee_handle: string
  avee_display_name: string
  avee_avatar: string | null
  running_run_id: string | null
  preview: string | null
  restorable_until: Date | null
}

const previewCharacters = 140
/** An excerpt starts this many characters before the word. */
const excerptLead = 24
const maxRowsPerInsert = 500

const restorableUntil = sql<Date | null>`(
  select restorable_until from deletions where deletions.id = conversations.deletion_id)`

/** Conversations with avees that the user may see, including those in the trash. */
const visibleConversations = (db: Db, userId: string) =>
  db
    .selectFrom('all_conversations as conversations')
    .innerJoin(visibleAvees(db, userId).as('avees'), 'avees.id', 'conversations.avee_id')
    .where('conversations.user_id', '=', userId)
    .selectAll('conversations')
    .select((eb) => [
      restorableUntil.as('restorable_until'),
      'avees.layer as viewer_layer',
      'avees.handle as avee_handle',
      'avees.display_name as avee_display_name',
      'avees.avatar as avee_avatar',
      eb
        .selectFrom('runs')
        .select('runs.id')
        .whereRef('runs.subject', '=', sql<string>`conversations.id::text`)
        .where('runs.kind', '=', 'chat')
        .where('runs.status', '=', 'running')
        .as('running_run_id'),
      eb
        .selectFrom('messages')
        .select(sql<string>`left(messages.content, ${sql.lit(previewCharacters)})`.as('preview'))
        .whereRef('messages.id', '=', 'conversations.leaf_id')
        .where(sql<boolean>`(${quotesHidden}) is not true`)
        .as('preview'),
    ])

/**
 * Counts the conversations of a user, or those in the trash, without those that contain only files of a question not
 * asked yet.
 */
export async function countConversations(
  db: Db,
  userId: string,
  { inTrash = false, except = null }: { inTrash?: boolean; except?: string | null | undefined } = {},
): Promise<number> {
  const hasOnlyFiles = sql<boolean>`leaf_id is null
    and exists (select from all_avees where conversation_id = all_conversations.id)`
  const { count } = await db
    .selectFrom('all_conversations')
    .where('deletion_id', inTrash ? 'is not' : 'is', null)
    .where('user_id', '=', userId)
    .where(sql<boolean>`id is distinct from ${except}::uuid and not (${hasOnlyFiles})`)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertConversation(
  db: Db,
  conversation: Omit<Insertable<Tables['conversations']>, 'updated_at'>,
): Promise<void> {
  await db
    .insertInto('conversations')
    .values({ ...conversation, updated_at: new Date() })
    .execute()
}

/** Finds a conversation of a user with an avee that they may see. */
export function findConversation(db: Db, userId: string, id: string): Promise<ConversationRow | undefined> {
  return visibleConversations(db, userId)
    .where('conversations.id', '=', id)
    .where('conversations.deletion_id', 'is', null)
    .executeTakeFirst()
}

/** Finds such a conversation, also one in the trash. */
export function findStoredConversation(
  db: Db,
  userId: string,
  id: string,
): Promise<ConversationRow | undefined> {
  return visibleConversations(db, userId).where('conversations.id', '=', id).executeTakeFirst()
}

/** Finds a conversation of a user for its deletion, even if its avee is now hidden from them. */
export function findOwnConversation(
  db: Db,
  userId: string,
  id: string,
  { withTrash }: { withTrash: boolean },
) {
  return db
    .selectFrom('all_conversations')
    .select(['id', 'avee_id', 'deletion_id'])
    .where('user_id', '=', userId)
    .where('id', '=', id)
    .$if(!withTrash, (query) => query.where('deletion_id', 'is', null))
    .executeTakeFirst()
}

/** Returns whether the title was generated; undefined when the conversation does not exist. */
export async function hasAutoTitle(db: Db, id: string): Promise<boolean | undefined> {
  const row = await db.selectFrom('conversations').select('title_by').where('id', '=', id).executeTakeFirst()
  return row && row.title_by === 'auto'
}

export type ConversationFilter = {
  userId: string
  aveeId?: string | undefined
  archived: boolean
  /** Lists those in the trash instead, archived or not. */
  inTrash?: boolean | undefined
  query?: string | undefined
  limit: number
  after?: z.infer<typeof conversationPosition> | undefined
}
/** The last conversation of a page: pinned ones come first, then the most recent. */
export const conversationPosition = z.object({
  pinned: z.boolean(),
  updatedAt: z.iso.datetime(),
  id: z.uuid(),
})

/** Lists conversations; with a query, `preview` is from the latest message that contains its first word. */
export async function listConversations(db: Db, filter: ConversationFilter): Promise<ConversationRow[]> {
  const visible = visibleConversations(db, filter.userId)
  let query = filter.inTrash
    ? visible.where(sql<boolean>`${restorableUntil} > now()`)
    : visible
        .where('conversations.deletion_id', 'is', null)
        .where('conversations.archived', '=', filter.archived)
  if (filter.aveeId) query = query.where('conversations.avee_id', '=', filter.aveeId)
  const words = wordsOf(filter.query)
  for (const word of words) query = query.where((eb) => containsWord(eb, word))
  if (filter.after) {
    const { pinned, updatedAt, id } = filter.after
    query = query.where(
      sql<boolean>`(conversations.pinned, conversations.updated_at, conversations.id) < (${pinned}, ${updatedAt}::timestamptz, ${id}::uuid)`,
    )
  }
  const rows = await query
    .select(excerptAround(words[0]).as('excerpt'))
    .orderBy('conversations.pinned', 'desc')
    .orderBy('conversations.updated_at', 'desc')
    .orderBy('conversations.id', 'desc')
    .limit(filter.limit)
    .execute()
  return rows.map(({ excerpt, ...row }) => ({ ...row, preview: excerpt ?? row.preview }))
}

/** The part around a word of the latest message that contains it. */
const excerptAround = (word: string | undefined) =>
  word === undefined
    ? sql<string | null>`null`
    : sql<string | null>`(
        select substr(messages.content, greatest(1, strpos(lower(messages.content), lower(${word})) - ${sql.lit(excerptLead)}),
          ${sql.lit(previewCharacters)})
        from messages
        where messages.conversation_id = conversations.id
          and messages.content ilike any(${likePatterns(word)}) and (${quotesHidden}) is not true
        order by messages.seq desc limit 1)`

const wordsOf = (query: string | undefined) => (query ?? '').split(/\s+/).filter(Boolean).slice(0, 8)

/** Matches conversations whose title or messages contain a word, in any script. */
function containsWord(
  eb: ExpressionBuilder<Pick<Tables, 'conversations' | 'messages'>, 'conversations'>,
  word: string,
) {
  const patterns = likePatterns(word)
  return eb.or([
    sql<boolean>`conversations.title ilike any(${patterns})`,
    eb.exists(
      eb
        .selectFrom('messages')
        .select(sql.lit(1).as('one'))
        .whereRef('messages.conversation_id', '=', 'conversations.id')
        .where(sql<boolean>`messages.content ilike any(${patterns})`)
        .where(sql<boolean>`(${quotesHidden}) is not true`),
    ),
  ])
}

/**
 * Returns the titles of conversations of a user with an avee: of those with these ids, and of the latest whose title
 * contains the words of a query (`hasWords`) and that were last changed in the period.
 */
export async function findTitles(
  db: Db,
  which: {
    userId: string
    aveeId: string
    layers: Layer[]
    ids: string[]
    query: string
    from?: Date | undefined
    to?: Date | undefined
    limit: number
  },
) {
  const hasWords = sql<boolean>`(layer_used = any(${which.layers}::text[])
    and updated_at >= coalesce(${which.from ?? null}::timestamptz, '-infinity')
    and updated_at < coalesce(${which.to ?? null}::timestamptz, 'infinity')
    and ${sql.join(
      wordsOf(which.query).map((word) => sql`title ilike any(${likePatterns(word)})`),
      sql` and `,
    )}) is true`
  const rows = await db
    .selectFrom('conversations')
    .select(['id', 'title', 'layer_used as layer', 'updated_at as updatedAt', hasWords.as('hasWords')])
    .where('user_id', '=', which.userId)
    .where('avee_id', '=', which.aveeId)
    .where((eb) => eb.or([sql<boolean>`id = any(${which.ids}::uuid[])`, hasWords]))
    .orderBy(sql`id = any(${which.ids}::uuid[])`, 'desc')
    .orderBy('updated_at', 'desc')
    .limit(new Set(which.ids).size + which.limit)
    .execute()
  return new Map(rows.map(({ id, ...row }) => [id, row]))
}

export async function updateConversation(
  db: Db,
  id: string,
  changes: Updateable<Tables['conversations']>,
): Promise<void> {
  if (Object.values(changes).every((value) => value === undefined)) return
  await db.updateTable('conversations').set(changes).where('id', '=', id).execute()
}

/** Moves all conversations of a user to another user. Returns how many. */
export async function transferConversations(
  trx: Trx,
  { from, to }: { from: string; to: string },
): Promise<number> {
  const moved = trx.updateTable('all_conversations').set({ user_id: to }).where('user_id', '=', from)
  return Number((await moved.executeTakeFirst()).numUpdatedRows)
}

/** Sets a generated title, unless a user has set one. */
export async function setAutoTitle(db: Db, id: string, title: string): Promise<void> {
  await db
    .updateTable('conversations')
    .set({ title })
    .where('id', '=', id)
    .where('title_by', '=', 'auto')
    .execute()
}

/** Deletes a conversation, also from the trash. */
export async function deleteConversation(db: Db, id: string): Promise<void> {
  await db.deleteFrom('all_conversations').where('id', '=', id).execute()
}

/**
 * Whether a conversation, which need not exist, or its avee is local only: nothing from it may be sent to a model
 * outside the private network.
 */
export async function isLocalOnly(
  db: Db,
  { conversationId, aveeId }: { conversationId: string | undefined; aveeId: string },
): Promise<boolean> {
  const { rows } = await sql`
    select from avees where id = ${aveeId}::uuid and local_only
    union all
    select from conversations where id = ${conversationId ?? null}::uuid and local_only
    limit 1`.execute(db)
  return rows.length > 0
}

/** Moves a conversation to the trash or out of it. Returns false if nothing changed. */
export async function setDeletion(
  trx: Trx,
  { id, from, to }: { id: string; from: string | null; to: string | null },
): Promise<boolean> {
  const moved = trx.updateTable('all_conversations').set({ deletion_id: to }).where('id', '=', id)
  const { numUpdatedRows } = await moved.where('deletion_id', 'is not distinct from', from).executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Deletes the conversations that a deletion has moved to the trash. */
export async function deleteTrash(trx: Trx, deletionId: string): Promise<void> {
  await trx.deleteFrom('all_conversations').where('deletion_id', '=', deletionId).execute()
}

/** Returns which of these conversations exist, also in the trash. */
export async function findExisting(db: Db, ids: string[]): Promise<Set<string>> {
  const matching = db
    .selectFrom('all_conversations')
    .select('id')
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
  return new Set((await matching.execute()).map(({ id }) => id))
}

/** Inserts a conversation with its messages, parents before their children. */
export async function insertImported(
  trx: Trx,
  { leaf_id, ...conversation }: Insertable<Tables['all_conversations']>,
  messages: Insertable<Tables['messages']>[],
): Promise<void> {
  await trx.insertInto('all_conversations').values(conversation).execute()
  for (let i = 0; i < messages.length; i += maxRowsPerInsert)
    await trx
      .insertInto('messages')
      .values(messages.slice(i, i + maxRowsPerInsert))
      .execute()
  await trx.updateTable('all_conversations').set({ leaf_id }).where('id', '=', conversation.id).execute()
}
