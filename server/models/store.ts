import { sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '../db/index.ts'

const key = 'active_model'
const active = z.object({ model: z.string() })

/** Returns the model that an administrator has activated. */
export async function findActiveModel(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return active.safeParse(row?.value).data?.model
}

export async function saveActiveModel(db: Db, model: string): Promise<void> {
  const value = JSON.stringify({ model })
  await db
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: sql`excluded.value` }))
    .execute()
}

/** Clears the active model if it is still this one. */
export async function clearActiveModel(db: Db, model: string): Promise<void> {
  await db.deleteFrom('settings').where('key', '=', key).where(sql`value->>'model'`, '=', model).execute()
}
