import { sql } from 'kysely'
import type { Db, Row, Tables } from '../db/index.ts'

export type CustomToolRow = Row<'own_tools'>

export const listCustomTools = (db: Db, aveeId: string): Promise<CustomToolRow[]> =>
  db.selectFrom('own_tools').selectAll().where('avee_id', '=', aveeId).orderBy('id').execute()

/**
 * Selects the tools that an answer may offer, without programs added by users who are no longer administrators.
 */
export const selectOffered = (db: Db, { aveeId, isOwner }: { aveeId: string; isOwner: boolean }) =>
  db
    .selectFrom('own_tools')
    .innerJoin('avees', 'avees.id', 'own_tools.avee_id')
    .innerJoin('users', 'users.id', 'avees.owner_id')
    .select(['own_tools.id', 'kind', 'name', 'url', 'secrets', 'command', 'args', 'functions', 'operations'])
    .where('avee_id', '=', aveeId)
    .where('enabled', '=', true)
    .where((where) => where.or([sql<boolean>`${isOwner}`, where('shared', '=', true)]))
    .where((where) => where.or([where('kind', '!=', 'mcp_stdio'), where('is_admin', '=', true)]))
    .orderBy('own_tools.id')

export type OfferedToolRow = Pick<
  CustomToolRow,
  'id' | 'kind' | 'name' | 'url' | 'secrets' | 'command' | 'args' | 'functions' | 'operations'
>

type Values = Omit<Tables['own_tools'], 'created_at' | 'functions' | 'enabled'> & { functions: string }

export const insertCustomTool = (db: Db, values: Values): Promise<CustomToolRow> =>
  db.insertInto('own_tools').values(values).returningAll().executeTakeFirstOrThrow()

export const updateCustomTool = (
  db: Db,
  id: string,
  changes: Partial<Values & { enabled: boolean }>,
): Promise<CustomToolRow | undefined> =>
  db.updateTable('own_tools').set(changes).where('id', '=', id).returningAll().executeTakeFirst()

export async function deleteCustomTool(db: Db, id: string): Promise<void> {
  await db.deleteFrom('own_tools').where('id', '=', id).execute()
}
