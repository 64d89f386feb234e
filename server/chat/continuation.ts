import { isWithin, type Layer } from '../../contract/layers.ts'
import type { Db } from '../db/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import { notContinuable } from './errors.ts'
import { findMessage, type MessageRow } from './store/messages.ts'

/**
 * Returns an unfinished answer, to continue it. @throws not_continuable when it is complete or empty, or when the
 * reader's layer keeps it out of prompts
 */
export async function readUnfinished(
  { db, knowledge }: { db: Db; knowledge: Pick<Knowledge, 'layersOf'> },
  messageId: string,
  { layer, userId }: { layer: Layer; userId: string },
): Promise<MessageRow> {
  const answer = await findMessage(db, messageId)
  const isUnfinished =
    answer?.status === 'stopped' || answer?.status === 'failed' || answer?.finish_reason === 'length'
  if (!answer || !isUnfinished || answer.content === '' || !isWithin(answer.layer_used, layer))
    throw notContinuable()
  const current = await knowledge.layersOf(answer.documents, userId)
  if (!areVisible(answer.documents, layer, current)) throw notContinuable()
  return answer
}
