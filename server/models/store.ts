import { sql } from 'kysely'
import { z } from 'zod'
import type { Db, Row } from '../db/index.ts'

const key = 'active_model'
const active = z.object({ model: z.string() })

/** Returns the model that an administrator has activated. */
export async function findActiveModel(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return active.safeParse(row?.value).data?.model
}

export const saveActiveModel = (db: Db, model: string): Promise<void> => saveSetting(db, key, { model })

async function saveSetting(db: Db, name: string, value: object): Promise<void> {
  await db
    .insertInto('settings')
    .values({ key: name, value: JSON.stringify(value) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: sql`excluded.value` }))
    .execute()
}

/** Clears the active model if it is still this one. */
export async function clearActiveModel(db: Db, model: string): Promise<void> {
  await db.deleteFrom('settings').where('key', '=', key).where(sql`value->>'model'`, '=', model).execute()
}

export type ProviderRow = Row<'model_providers'>
export type ProviderValues = Pick<
  ProviderRow,
  'name' | 'kind' | 'base_url' | 'secrets' | 'key_hint' | 'models' | 'max_parallel' | 'prices'
>

export const listProviderRows = async (db: Db): Promise<ProviderRow[]> =>
  await db.selectFrom('model_providers').selectAll().orderBy('created_at').orderBy('id').execute()

/** Inserts or replaces a provider. @throws a unique violation if another one has its name */
export async function saveProviderRow(
  db: Db,
  id: string,
  { models, prices, ...values }: ProviderValues,
): Promise<ProviderRow> {
  const row = { ...values, models: JSON.stringify(models), prices: JSON.stringify(prices) }
  return await db
    .insertInto('model_providers')
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ ...row, updated_at: sql`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deleteProviderRow(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('model_providers').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

const fallbacksKey = 'model_fallbacks'
const fallbacks = z.object({ models: z.array(z.string()) })

/** Returns the fallback models in order; undefined for the default order. */
export async function findFallbacks(db: Db): Promise<string[] | undefined> {
  const row = await db
    .selectFrom('settings')
    .select('value')
    .where('key', '=', fallbacksKey)
    .executeTakeFirst()
  return fallbacks.safeParse(row?.value).data?.models
}

export const saveFallbacks = (db: Db, ids: string[]): Promise<void> =>
  saveSetting(db, fallbacksKey, { models: ids })
