import type { Db, Trx } from '../db/index.ts'

/** Stores that a call waits for the approval of the asker. */
export async function insertApproval(trx: Trx, runId: string, callId: string): Promise<void> {
  await trx.insertInto('tool_approvals').values({ run_id: runId, call_id: callId }).execute()
}

/** Stores the decision unless there is one. Returns the stored decision; undefined without such a call. */
export async function decide(
  db: Db,
  runId: string,
  callId: string,
  approved: boolean,
): Promise<boolean | undefined> {
  await db
    .updateTable('tool_approvals')
    .set({ approved })
    .where('run_id', '=', runId)
    .where('call_id', '=', callId)
    .where('approved', 'is', null)
    .execute()
  return (await findApproval(db, runId, callId)) ?? undefined
}

/** Returns the decision; null before there is one, undefined without such a call. */
export async function findApproval(
  db: Db,
  runId: string,
  callId: string,
): Promise<boolean | null | undefined> {
  const row = await db
    .selectFrom('tool_approvals')
    .select('approved')
    .where('run_id', '=', runId)
    .where('call_id', '=', callId)
    .executeTakeFirst()
  return row?.approved
}
