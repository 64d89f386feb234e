import type { AveeInsight } from '../../contract/avee-insight.ts'
import type { Avee } from '../avees/index.ts'
import type { Db } from '../db/index.ts'
import { minUsers } from './policy.ts'
import { byDay, documentUses, otherDocuments, type TopicDay, topicDays, totals } from './store/dashboard.ts'

const maxTopics = 12
const maxUnusedDocuments = 50
const dayMs = 24 * 60 * 60 * 1000

/** Returns figures over an avee's conversations of the last days, for its owner. */
export async function dashboard(db: Db, avee: Avee, days: number, now: Date): Promise<AveeInsight> {
  const since = new Date(Math.floor(now.getTime() / dayMs) * dayMs - (days - 1) * dayMs)
  const scope = { aveeId: avee.id, ownerId: avee.ownerId, since, minUsers }
  const [sum, daily, topics, used] = await Promise.all([
    totals(db, scope),
    byDay(db, scope),
    topicDays(db, scope, maxTopics),
    documentUses(db, scope),
  ])
  const unused = await otherDocuments(
    db,
    avee.id,
    used.map(({ document_id }) => document_id),
    maxUnusedDocuments,
  )
  const turnsByDay = daily.reduce((all, { turns }) => all + turns, 0)
  return {
    days,
    least_people: minUsers,
    totals: {
      turns: sum.turns,
      conversations: sum.conversations,
      answered: sum.answered,
      unanswered: sum.unanswered,
      thumbs_up: sum.thumbs_up,
      thumbs_down: sum.thumbs_down,
      relevance: percentOf(sum.relevance),
      engagement: percentOf(sum.engagement),
      factual_grounding: percentOf(sum.grounding),
      avg_response_time: secondsOf(sum.response_ms),
    },
    withheld: sum.turns < sum.all_turns || turnsByDay < sum.all_turns,
    by_day: daily.map(({ day, turns, unanswered, relevance, grounding }) => ({
      day,
      turns,
      unanswered,
      relevance: percentOf(relevance),
      factual_grounding: percentOf(grounding),
    })),
    topics: presentTopics(topics),
    documents_used: used,
    documents_unused: unused.documents,
    documents_unused_total: unused.total,
  }
}

function presentTopics(rows: TopicDay[]): AveeInsight['topics'] {
  return [...Map.groupBy(rows, ({ key }) => key).values()].map((days) => ({
    topic: days[0]?.text ?? '',
    turns: days[0]?.total ?? 0,
    by_day: days.flatMap(({ day, turns }) => (day === '' ? [] : [{ day, turns }])),
  }))
}

/** Converts 0 … 1 to 0 … 100 with one decimal. */
export const percentOf = (score: number | null): number | null =>
  score === null ? null : Math.round(score * 1_000) / 10

export const secondsOf = (ms: number | null): number | null => (ms === null ? null : Math.round(ms) / 1_000)
