import { sql } from 'kysely'
import type { Db, Trx } from '../../db/index.ts'
import type { Pair } from '../terms.ts'

/** Selects the settings that switch memory off: for this avee, or for all. */
export const disabledSettings = (db: Db, { userId, aveeId }: Pair) =>
  db
    .selectFrom('memory_settings')
    .select('enabled')
    .where('user_id', '=', userId)
    .where('enabled', '=', false)
    .where((eb) => eb.or([eb('avee_id', 'is', null), eb('avee_id', '=', aveeId)]))

/** Whether memory is on for a user and an avee. */
export const isEnabled = async (db: Db, pair: Pair): Promise<boolean> =>
  (await disabledSettings(db, pair).executeTakeFirst()) === undefined

export const settingsOf = (db: Db, userId: string) =>
  db.selectFrom('memory_settings').selectAll().where('user_id', '=', userId).execute()

export async function putSetting(
  trx: Trx,
  userId: string,
  aveeId: string | null,
  enabled: boolean,
): Promise<void> {
  await trx
    .insertInto('memory_settings')
    .values({ user_id: userId, avee_id: aveeId, enabled })
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'avee_id']).doUpdateSet({ enabled: sql`excluded.enabled` }),
    )
    .execute()
}
