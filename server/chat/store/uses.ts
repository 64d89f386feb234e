import { sql } from 'kysely'
import * as z from 'zod/mini'
import { visibleAvees } from '../../avees/index.ts'
import type { Db } from '../../db/index.ts'

/** The last conversation of a page: the most recent citations come first. */
export const usePosition = z.object({ citedAt: z.iso.datetime({ offset: true }), id: z.uuid() })

const maxCounted = 1_000
const maxAvees = 100

type Reader = { userId: string; aveeId: string | null }

const cites = (documentId: string) => sql<boolean>`messages.documents @> ${[documentId]}::uuid[]
  and messages.citations::jsonb @> ${JSON.stringify([{ document_id: documentId, cited: true }])}::jsonb`

/** Lists the user's conversations with answers that cite a document, by the latest of these answers. */
export async function listUses(
  db: Db,
  documentId: string,
  { userId, aveeId }: Reader,
  { limit, after }: { limit: number; after: z.infer<typeof usePosition> | undefined },
) {
  const citedAt = sql<Date>`max(messages.created_at)`
  // Cursors have a precision of milliseconds.
  const position = sql`(date_trunc('milliseconds', max(messages.created_at)), conversations.id)`
  let query = db
    .selectFrom('messages')
    .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
    .innerJoin(visibleAvees(db, userId).as('avees'), 'avees.id', 'conversations.avee_id')
    .where(cites(documentId))
    .where('conversations.user_id', '=', userId)
    .groupBy(['conversations.id', 'conversations.title', 'avees.id', 'avees.handle', 'avees.display_name'])
    .select([
      'conversations.id as conversation_id',
      'conversations.title',
      'avees.id as avee_id',
      'avees.handle as avee_handle',
      'avees.display_name as avee_display_name',
      sql<string>`(array_agg(messages.id order by messages.seq desc))[1]`.as('message_id'),
      sql<number>`count(*)::int`.as('answers'),
      citedAt.as('cited_at'),
    ])
    .orderBy(sql`date_trunc('milliseconds', max(messages.created_at))`, 'desc')
    .orderBy('conversations.id', 'desc')
    .limit(limit)
  if (aveeId !== null) query = query.where('conversations.avee_id', '=', aveeId)
  if (after)
    query = query.having(sql<boolean>`${position} < (${after.citedAt}::timestamptz, ${after.id}::uuid)`)
  return await query.execute()
}

/** Counts the conversations of others with answers that cite a document, up to 1,000. */
export async function countUsesOfOthers(db: Db, documentId: string, userId: string): Promise<number> {
  const others = db
    .selectFrom('messages')
    .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
    .where(cites(documentId))
    .where('conversations.user_id', '<>', userId)
    .select('conversations.id')
    .distinct()
    .limit(maxCounted)
  const { count } = await db
    .selectFrom(others.as('others'))
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Lists the avee of a document, unless it is an attachment, and the user's other avees that have the same file. */
export async function listAveesWithFile(db: Db, documentId: string, { userId, aveeId }: Reader) {
  let query = db
    .selectFrom('documents')
    .innerJoin('avees', 'avees.id', 'documents.avee_id')
    .where('documents.sha256', '=', (eb) =>
      eb.selectFrom('documents as same').select('same.sha256').where('same.id', '=', documentId),
    )
    .where((eb) => eb.or([eb('documents.id', '=', documentId), eb('avees.owner_id', '=', userId)]))
    .select([
      'avees.id',
      'avees.handle',
      'avees.display_name',
      'avees.is_library',
      'documents.id as document_id',
    ])
    .orderBy(sql`documents.id = ${documentId}`, 'desc')
    .orderBy('documents.id', 'desc')
    .limit(maxAvees)
  if (aveeId !== null) query = query.where('avees.id', '=', aveeId)
  return await query.execute()
}
