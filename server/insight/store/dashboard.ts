import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'

/** Turns of other users count in a figure if they come from at least `minUsers` users; the owner's always count. */
export type Scope = { aveeId: string; ownerId: string; since: Date; minUsers: number }

/** A CTE with the turns of the period, without those of conversations in the trash; `own` marks the owner's. */
const turns = ({ aveeId, ownerId, since }: Scope) => sql`
  turns as (
    select *, user_id = ${ownerId} as own, (created_at at time zone 'utc')::date::text as day
    from turn_insights where avee_id = ${aveeId} and created_at >= ${since}
      and exists (select from conversations where conversations.id = conversation_id)
  )`

type Totals = {
  all_turns: number
  turns: number
  conversations: number
  answered: number
  unanswered: number
  thumbs_up: number
  thumbs_down: number
  relevance: number | null
  engagement: number | null
  grounding: number | null
  response_ms: number | null
}

/** Returns figures over the whole period. */
export async function totals(db: Db, scope: Scope): Promise<Totals> {
  const { rows } = await sql<Totals>`
    with ${turns(scope)}, shown as (
      select * from turns
      where own or (select count(distinct user_id) from turns where not own) >= ${scope.minUsers}
    )
    select (select count(*)::int from turns) as all_turns, count(*)::int as turns,
      count(distinct conversation_id)::int as conversations,
      (count(*) filter (where answered and measured_by is not null))::int as answered,
      (count(*) filter (where not answered))::int as unanswered,
      (count(*) filter (where vote = 'up'))::int as thumbs_up,
      (count(*) filter (where vote = 'down'))::int as thumbs_down,
      avg(relevance) as relevance, avg(engagement) as engagement, avg(grounding) as grounding,
      avg(response_ms)::float8 as response_ms
    from shown
    left join message_feedback on message_feedback.message_id = shown.message_id
      and message_feedback.user_id = shown.user_id`.execute(db)
  return rows[0] as Totals
}

type Day = {
  day: string
  turns: number
  unanswered: number
  relevance: number | null
  grounding: number | null
}

/** Returns figures by day (UTC); `minUsers` applies to each day. */
export async function byDay(db: Db, scope: Scope): Promise<Day[]> {
  const { rows } = await sql<Day>`
    with ${turns(scope)}, enough as (
      select day from turns where not own group by day having count(distinct user_id) >= ${scope.minUsers}
    )
    select day, count(*)::int as turns, (count(*) filter (where not answered))::int as unanswered,
      avg(relevance) as relevance, avg(grounding) as grounding
    from turns where own or day in (select day from enough)
    group by day order by day`.execute(db)
  return rows
}

export type TopicDay = { key: string; text: string; day: string; turns: number; total: number }

/** Returns the most frequent topics by day, without those from deleted documents and attachments; `minUsers` applies to each topic and to each of its days. */
export async function topicDays(db: Db, scope: Scope, limit: number): Promise<TopicDay[]> {
  const { rows } = await sql<TopicDay>`
    with ${turns(scope)}, named as (
      select topic ->> 'key' as key, topic ->> 'text' as text, day, own, user_id, (topic ->> 'weight')::float8 as weight
      from turns, json_array_elements(turns.topics) as topic
      where not exists (
        select from unnest(turns.sources) as source (id)
        where not exists (
          select from documents where documents.id = source.id and documents.avee_id = ${scope.aveeId})
      )
    ), enough as (
      select key from named where not own group by key having count(distinct user_id) >= ${scope.minUsers}
    ), enough_days as (
      select key, day from named where not own group by key, day having count(distinct user_id) >= ${scope.minUsers}
    ), shown as (
      select * from named where own or key in (select key from enough)
    ), most as (
      select key, count(*)::int as total, mode() within group (order by text) as text
      from shown group by key order by count(*) desc, sum(weight) desc, key limit ${limit}
    )
    select most.key, most.text, most.total, coalesce(shown.day, '') as day, count(shown.key)::int as turns
    from most
    left join shown on shown.key = most.key and (shown.own or (shown.key, shown.day) in (select key, day from enough_days))
    group by most.key, most.text, most.total, shown.day
    order by most.total desc, most.key, shown.day`.execute(db)
  return rows
}

type DocumentUse = { document_id: string; title: string; layer: Layer; turns: number }

/** Returns the documents that answers are based on, the most used first; `minUsers` applies to each document. */
export async function documentUses(db: Db, scope: Scope): Promise<DocumentUse[]> {
  const { rows } = await sql<DocumentUse>`
    with ${turns(scope)}, used as (
      select unnest(documents) as document_id, own, user_id from turns
    ), enough as (
      select document_id from used where not own group by document_id having count(distinct user_id) >= ${scope.minUsers}
    )
    select documents.id as document_id, documents.title, documents.layer, count(*)::int as turns
    from used join documents on documents.id = used.document_id and documents.avee_id = ${scope.aveeId}
    where own or used.document_id in (select document_id from enough)
    group by documents.id, documents.title, documents.layer order by count(*) desc, documents.title`.execute(
    db,
  )
  return rows
}

/** Returns the avee's other documents, the oldest first, and their number. */
export async function otherDocuments(db: Db, aveeId: string, used: string[], limit: number) {
  const { rows } = await sql<Omit<DocumentUse, 'turns'> & { total: number }>`
    select id as document_id, title, layer, (count(*) over ())::int as total
    from documents where avee_id = ${aveeId} and not (id = any(${used}::uuid[]))
    order by id limit ${limit}`.execute(db)
  return { documents: rows.map(({ total: _, ...row }) => row), total: rows[0]?.total ?? 0 }
}
