import type { Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'
import { type IndexedTurn, readSpeakers, type UnanalyzedTurn } from '../store/turns.ts'
import { languageAmong, type Pair } from '../terms.ts'
import { turnVector } from './turn-vector.ts'

/** A question and its complete answer. */
export type Turn = Pair & {
  conversationId: string
  userMessageId: string
  messageId: string
  question: string
  answer: string
  layer: Layer
  /** Ids of the memories in the prompt of the answer. */
  recalled: string[]
}

/** A turn and its rows for the index. */
export type PreparedTurn = Turn & { rows: IndexedTurn[] }

/** Analyzes a turn, so that the transaction that stores its answer only inserts rows. */
export async function prepareTurn(db: Db, turn: Turn): Promise<PreparedTurn> {
  const { aveeId, userId, conversationId, layer } = turn
  const message = { aveeId, userId, conversationId, layer }
  const rows = await analyze(db, [
    { ...message, messageId: turn.userMessageId, role: 'user', content: turn.question },
    { ...message, messageId: turn.messageId, role: 'assistant', content: turn.answer },
  ])
  return { ...turn, rows }
}

/** Analyzes messages of one user with one avee; those without a word are left out. */
export async function analyze(db: Db, messages: UnanalyzedTurn[]): Promise<IndexedTurn[]> {
  const [first] = messages
  if (!first) return []
  const { speakers, usual } = await readSpeakers(db, first)
  const texts = messages.map(({ content }) => content)
  const rows = await Promise.all(
    messages.map(async ({ role, content, ...message }) => {
      const language = languageAmong(content, texts, usual)
      const indexed = await turnVector(message, { speaker: speakers[role], text: content, language })
      return { ...message, language, ...indexed }
    }),
  )
  return rows.filter((row, i) => texts[i]?.trim() !== '' && row.terms.length > 0)
}
