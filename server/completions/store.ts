import { type RawBuilder, sql } from 'kysely'
import type { Layer } from '../../contract/layers.ts'
import type { CitedPassage, Usage } from '../../contract/messages.ts'
import type { Db, Row, Trx } from '../db/index.ts'
import type { ChatRequest } from '../models/index.ts'

/** The input of a model, without sampling options. */
export type CompletionRequest = Pick<ChatRequest, 'messages' | 'tools' | 'toolChoice' | 'responseFormat'>

export type CompletionRow = Omit<Row<'completions'>, 'request'> & { request: CompletionRequest | null }

/** Stores a completion in the statement that creates its run. */
export const completionExpression = (completion: {
  request: CompletionRequest
  layer: Layer | null
  isKept: boolean
  previousId: string | null
}): RawBuilder<unknown> => sql`
  completion as (
    insert into completions (run_id, request, layer_used, is_kept, previous_id)
    select run.id, ${JSON.stringify(completion.request)}::jsonb, ${completion.layer}::text,
      ${completion.isKept}::boolean, ${completion.previousId}::uuid
    from run
  )`

export const findCompletion = async (db: Db, runId: string): Promise<CompletionRow | undefined> =>
  (await db.selectFrom('completions').selectAll().where('run_id', '=', runId).executeTakeFirst()) as
    | CompletionRow
    | undefined

export async function saveGrounding(
  db: Db,
  runId: string,
  { citations, model, layer }: { citations: CitedPassage[]; model: string; layer: Layer },
): Promise<void> {
  await db
    .updateTable('completions')
    .set({
      citations: JSON.stringify(citations),
      documents: [...new Set(citations.map(({ document_id }) => document_id))],
      model,
      layer_used: layer,
    })
    .where('run_id', '=', runId)
    .execute()
}

/** Stores the text of a kept completion, and deletes what only a continuation after a crash needs. */
export async function endCompletion(
  trx: Trx,
  runId: string,
  { usage, ...end }: { content: string | null; model?: string; usage?: Usage },
): Promise<void> {
  await trx
    .updateTable('completions')
    .set({
      ...end,
      ...(usage && { usage: JSON.stringify(usage) }),
      citations: '[]',
      ...(end.content === null ? { request: null } : {}),
    })
    .where('run_id', '=', runId)
    .execute()
}

/** Returns the runs of completions whose prompts contained passages of one of these documents. */
export const listQuoting = async (db: Db, documents: string[]): Promise<string[]> =>
  (
    await db
      .selectFrom('completions')
      .select('run_id')
      .where(sql<boolean>`documents && ${documents}::uuid[]`)
      .execute()
  ).map(({ run_id }) => run_id)

/** Lists the answers of a user that later requests can continue, the oldest first; `aveeId` selects those of one avee. */
export const listKept = (db: Db, userId: string, aveeId: string | null) =>
  db
    .selectFrom('completions')
    .innerJoin('runs', 'runs.id', 'run_id')
    .select(['run_id as id', 'runs.created_at as createdAt', 'scope as aveeId'])
    .where('user_id', '=', userId)
    .where('is_kept', '=', true)
    .where('content', 'is not', null)
    .$if(aveeId !== null, (query) => query.where('scope', '=', aveeId))
    .orderBy('run_id')
    .execute()
