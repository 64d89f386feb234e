import { type Insertable, sql } from 'kysely'
import type { QuestionState } from '../../../contract/avee-insight.ts'
import type { Db, Row, Tables, Trx } from '../../db/index.ts'

type UnansweredRow = Row<'unanswered_questions'>

const isInTrash = sql<boolean>`not exists (
  select from conversations where conversations.id = unanswered_questions.conversation_id)`

/** Serializes grouping per avee, so that two similar questions do not create two groups. */
export async function lockQuestions(trx: Trx, aveeId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('questions ' || ${aveeId}, 0))`.execute(trx)
}

/** Lists terms and group of the avee's latest questions. */
export const questionTerms = (trx: Trx, aveeId: string, limit: number) =>
  trx
    .selectFrom('unanswered_questions')
    .select(['group_id', 'terms'])
    .where('avee_id', '=', aveeId)
    .where(sql<boolean>`not ${isInTrash}`)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()

export async function insertGroup(trx: Trx, group: { id: string; avee_id: string }): Promise<void> {
  await trx.insertInto('question_groups').values(group).execute()
}

/** Reopens a group that was answered; a dismissed one stays dismissed. */
export async function reopenAnswered(trx: Trx, groupId: string): Promise<void> {
  const answered = trx
    .updateTable('question_groups')
    .where('id', '=', groupId)
    .where('state', '=', 'answered')
  await answered.set({ state: 'open' }).execute()
}

export type NewQuestion = Insertable<Tables['unanswered_questions']>

/** Returns false if the question already exists. */
export async function insertQuestion(trx: Trx, question: NewQuestion): Promise<boolean> {
  const row = await trx
    .insertInto('unanswered_questions')
    .values(question)
    .onConflict((conflict) => conflict.column('message_id').doNothing())
    .returning('message_id')
    .executeTakeFirst()
  return row !== undefined
}

export const findQuestion = (db: Db, messageId: string): Promise<UnansweredRow | undefined> =>
  db.selectFrom('unanswered_questions').selectAll().where('message_id', '=', messageId).executeTakeFirst()

/** Deletes a question, unless it was forwarded, and its group if that becomes empty. */
export async function removeQuestion(db: Db, messageId: string): Promise<void> {
  await sql`
    with gone as (
      delete from unanswered_questions where message_id = ${messageId} and passed_on_at is null returning group_id
    )
    delete from question_groups using gone
    where id = gone.group_id and not exists (
      select from unanswered_questions as others
      where others.group_id = gone.group_id and others.message_id <> ${messageId})`.execute(db)
}

export async function markForwarded(trx: Trx, messageId: string, note: string): Promise<void> {
  await trx
    .updateTable('unanswered_questions')
    .set({ shared: true, note, passed_on_at: sql<Date>`coalesce(passed_on_at, now())` })
    .where('message_id', '=', messageId)
    .execute()
}

export type GroupMember = UnansweredRow & {
  is_owner: boolean
  content: string
  display_name: string
  state: QuestionState
  document_id: string | null
}

/** Lists the questions of an avee's groups in a state: groups with unanswered forwarded questions first, then the latest. */
export async function groupMembers(
  db: Db,
  avee: { id: string; ownerId: string },
  filter: { state: QuestionState; limit: number } | { groupId: string },
): Promise<GroupMember[]> {
  const { rows } = await sql<GroupMember>`
    with chosen as (
      select question_groups.id, state, document_id, bool_or(passed_on_at is not null and reply_id is null) as is_waiting,
        max(unanswered_questions.created_at) as latest
      from question_groups
      join unanswered_questions on group_id = question_groups.id
      where question_groups.avee_id = ${avee.id} and not ${isInTrash}
        and ${'groupId' in filter ? sql<boolean>`question_groups.id = ${filter.groupId}` : sql<boolean>`state = ${filter.state}`}
      group by question_groups.id
      having ${'groupId' in filter ? sql<boolean>`true` : sql<boolean>`bool_or(shared)`}
      order by is_waiting desc, latest desc
      limit ${'groupId' in filter ? 1 : filter.limit}
    )
    select unanswered_questions.*, user_id = ${avee.ownerId} as is_owner, content, display_name, state,
      (select id from documents where id = document_id) as document_id
    from chosen
    join unanswered_questions on group_id = chosen.id
    join messages on messages.id = message_id
    join users on users.id = user_id
    where not ${isInTrash}
    order by is_waiting desc, latest desc, group_id, unanswered_questions.created_at, message_id`.execute(db)
  return rows
}

/** Counts the questions and users of groups in which nobody has agreed to share. */
export async function countHidden(db: Db, aveeId: string, state: QuestionState) {
  const { rows } = await sql<{ questions: number; users: number }>`
    select count(*)::int as questions, count(distinct user_id)::int as users
    from unanswered_questions
    where not ${isInTrash} and group_id in (
      select question_groups.id from question_groups
      join unanswered_questions on group_id = question_groups.id
      where question_groups.avee_id = ${aveeId} and state = ${state} and not ${isInTrash}
      group by question_groups.id having not bool_or(shared)
    )`.execute(db)
  return rows[0] ?? { questions: 0, users: 0 }
}

export async function setGroupState(
  db: Db,
  groupId: string,
  state: QuestionState,
  documentId?: string,
): Promise<void> {
  const changes = { state, document_id: documentId }
  await db.updateTable('question_groups').set(changes).where('id', '=', groupId).execute()
}

/** Stores the reply to a question. Returns false if it already has one. */
export async function markReplied(trx: Trx, messageId: string, replyId: string): Promise<boolean> {
  const row = await trx
    .updateTable('unanswered_questions')
    .set({ reply_id: replyId })
    .where('message_id', '=', messageId)
    .where('reply_id', 'is', null)
    .returning('message_id')
    .executeTakeFirst()
  return row !== undefined
}
