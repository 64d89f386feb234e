import { compareLayers, isWithin, type Layer } from '../../contract/layers.ts'
import type { Db, Row } from '../db/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import type { Models } from '../models/index.ts'
import { putSummary, type SummaryRow, summariesAt } from './store/summaries.ts'
import { extractSummary, generateSummary } from './summary.ts'

/** Messages at the end of a branch that are not summarized, because prompts contain them in full. */
const recentMessages = 30
/** The number of messages before the recent ones from which on a summary is extended. */
const messagesPerExtension = 20
/** If a branch has summaries, the newest one is within this many messages from its end. */
export const summaryLookback = recentMessages + messagesPerExtension + 10
/** A model rewrites summaries within this many messages from the end of a branch. */
export const rewriteLookback = 2 * summaryLookback
/** The maximum number of messages that the first summary of a conversation covers. */
const maxFirstSummaryMessages = 2_000

/** Returns up to `limit` messages of the branch that ends with this message, oldest first. */
export type ReadBranch = (messageId: string, limit: number) => Promise<Row<'messages'>[]>

/** The user of a conversation, with the highest layer that they may read. */
type Reader = { layer: Layer; user_id: string }
type Turn = Reader & { message_id: string }

/**
 * The rolling summaries of long conversations. Each covers a branch up to one message; its layer is the widest one of
 * the answers it covers.
 */
export function summaries({
  db,
  models,
  knowledge,
}: {
  db: Db
  models: Pick<Models, 'runInBackground'>
  knowledge: Pick<Knowledge, 'layersOf'>
}) {
  /** Returns the texts whose documents are all visible. */
  async function withVisibleDocuments<Text extends { documents: string[] }>(
    texts: Text[],
    { layer, user_id }: Reader,
  ): Promise<Text[]> {
    const ids = [...new Set(texts.flatMap(({ documents }) => documents))]
    const current = await knowledge.layersOf(ids, user_id)
    return texts.filter(({ documents }) => areVisible(documents, layer, current))
  }

  /** Lists the summaries of a branch that are visible within `layer`, in the order of the messages. */
  async function findVisible(messageIds: string[], reader: Reader): Promise<SummaryRow[]> {
    const found = await summariesAt(db, messageIds)
    return await withVisibleDocuments(
      found.filter((summary) => isWithin(summary.layer, reader.layer)),
      reader,
    )
  }

  return {
    /**
     * Extends the summary of the branch that ends with this message, without a model, if enough messages have been
     * added. `messages` are the last `summaryLookback` of the branch. Returns whether the newest summary consists of
     * extracted sentences. Only what is visible to its user is summarized.
     */
    async extend(turn: Turn, messages: Row<'messages'>[], readBranch: ReadBranch): Promise<boolean> {
      const { message_id: messageId, layer } = turn
      if (messages.length < recentMessages + messagesPerExtension) return false
      let previous = (await findVisible(idsOf(messages), turn)).at(-1)
      if (!previous && messages.length === summaryLookback) {
        messages = await readBranch(messageId, maxFirstSummaryMessages)
        previous = (await findVisible(idsOf(messages), turn)).at(-1)
      }
      const from = messages.findIndex(({ id }) => id === previous?.message_id) + 1
      const added = messages.slice(from, messages.length - recentMessages)
      const last = added.at(-1)
      if (!last || added.length < messagesPerExtension) return previous?.made_by === 'sentences'
      const included = await withVisibleDocuments(
        added.filter(({ role, layer_used }) => role === 'user' || isWithin(layer_used, layer)),
        turn,
      )
      await putSummary(db, {
        message_id: last.id,
        conversation_id: last.conversation_id,
        layer: maxLayer([
          ...included.filter(({ role }) => role === 'assistant').map(({ layer_used }) => layer_used),
          previous?.layer ?? 'public',
        ]),
        content: await extractSummary(previous?.content ?? '', included),
        made_by: 'sentences',
        documents: [
          ...new Set([...(previous ? [previous] : []), ...included].flatMap(({ documents }) => documents)),
        ],
      })
      return true
    },

    /**
     * Has a model rewrite the newest summary of a branch, if it consists of extracted sentences. `messages` are its
     * last `rewriteLookback`.
     */
    async rewrite(turn: Reader, messages: Row<'messages'>[], signal: AbortSignal): Promise<void> {
      const ids = idsOf(messages)
      const found = await findVisible(ids, turn)
      const [previous, newest] = found.length > 1 ? found.slice(-2) : [undefined, found[0]]
      if (newest?.made_by !== 'sentences') return
      const added = await withVisibleDocuments(
        messages
          .slice(previous ? ids.indexOf(previous.message_id) + 1 : 0, ids.indexOf(newest.message_id) + 1)
          .filter(({ role, layer_used }) => role === 'user' || isWithin(layer_used, newest.layer)),
        { ...turn, layer: newest.layer },
      )
      // The first summary of a long conversation covers messages that were not read here, so the rewrite is based on
      // it.
      const coversAll = previous !== undefined || messages.length < rewriteLookback
      const basis = coversAll ? (previous?.content ?? '') : newest.content
      const rewritten = await models.runInBackground({ signal }, async (model, stop) => ({
        made_by: model.name,
        content: await generateSummary(model, basis, added, stop),
      }))
      if (rewritten?.content) await putSummary(db, { ...newest, ...rewritten, content: rewritten.content })
    },
  }
}
export type Summaries = ReturnType<typeof summaries>

const idsOf = (messages: { id: string }[]) => messages.map(({ id }) => id)
const maxLayer = (layers: Layer[]): Layer => layers.toSorted(compareLayers).at(-1) ?? 'public'
