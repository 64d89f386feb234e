import path from 'node:path'
import { sql } from 'kysely'
import { type Database, newId } from '../server/db/index.ts'
import type { Memory } from '../server/memory/index.ts'
import { foldersIn, jsonLines } from './data.ts'

type Session = {
  conv_id: string
  date: string
  turns: { id: string; speaker?: string; role?: string; text: string; image_caption?: string }[]
}
/** A question about a conversation, with the ids of the turns that contain the evidence. */
export type ConversationQuestion = {
  conv_id: string
  question: string
  answer?: string | number
  category: unknown
  category_name?: string
  evidence: string[]
}
export type ConversationTurn = { id: string; speaker: string; text: string; at: Date }

/** Reads the sets of conversations in DIR/memory: their turns by conversation, and the questions that have evidence. */
export function conversationSets(dataDir: string) {
  return foldersIn(path.join(dataDir, 'memory')).map((folder) => {
    const conversations = new Map<string, ConversationTurn[]>()
    for (const session of jsonLines<Session>(path.join(folder, 'sessions.jsonl'))) {
      const turns = conversations.get(session.conv_id) ?? []
      const at = parseDate(session.date)
      for (const turn of session.turns) {
        const text = [turn.text, turn.image_caption].filter(Boolean).join('\n')
        turns.push({ id: turn.id, speaker: turn.speaker ?? turn.role ?? '', text, at })
      }
      conversations.set(session.conv_id, turns)
    }
    const questions = jsonLines<ConversationQuestion>(path.join(folder, 'questions.jsonl'))
    return {
      name: path.basename(folder),
      conversations,
      questions: questions.filter(({ evidence }) => evidence.length > 0),
    }
  })
}

/** Parses "1:56 pm on 8 May, 2023" and "March-15-2024". */
function parseDate(text: string): Date {
  const at = new Date(`${text.replace(/^.* on /, '').replaceAll('-', ' ')} 12:00 UTC`)
  return Number.isNaN(at.getTime()) ? new Date(0) : at
}

/** Stores a dialogue as a conversation: the first speaker is the user, the second the avee. Returns the turns by message id. */
export async function storeConversation(
  { database, memory }: { database: Database; memory: Pick<Memory, 'prepareTurn' | 'recordTurn' | 'idle'> },
  pair: { userId: string; aveeId: string },
  turns: ConversationTurn[],
) {
  const user = turns[0]?.speaker
  const conversationId = newId()
  await database.db
    .insertInto('conversations')
    .values({ id: conversationId, avee_id: pair.aveeId, user_id: pair.userId, layer_used: 'intimate' })
    .execute()
  const byMessage = new Map<string, ConversationTurn>()
  let parent: string | null = null
  for (const turn of turns) {
    const id = newId()
    const role = turn.speaker === user ? 'user' : 'assistant'
    await sql`
      insert into messages (id, conversation_id, parent_id, role, content, status, layer_used, created_at)
      values (${id}, ${conversationId}, ${parent}, ${role}, ${turn.text}, 'complete', 'intimate', ${turn.at})
    `.execute(database.db)
    byMessage.set(id, turn)
    parent = id
  }
  const ids = [...byMessage.keys()]
  const textOf = (id: string) => byMessage.get(id)?.text ?? ''
  for (let i = 0; i < ids.length; i += 2) {
    const [first = '', second = first] = ids.slice(i, i + 2)
    const prepared = await memory.prepareTurn({
      ...pair,
      conversationId,
      userMessageId: first,
      messageId: second,
      question: textOf(first),
      answer: textOf(second),
      layer: 'intimate',
      recalled: [],
    })
    // The last turn may have no answer.
    const rows = prepared.rows.slice(0, ids.length - i)
    await database.transaction((trx) => memory.recordTurn(trx, { ...prepared, rows }))
  }
  await memory.idle()
  return { conversationId, byMessage, leafId: parent }
}
