import { isWithin, type Layer } from '../../contract/layers.ts'
import type { Database, Row } from '../db/index.ts'
import type { Models } from '../models/index.ts'
import { putSummary, type SummaryRow, summariesAt } from './store/summaries.ts'
import { branchUpTo, type TurnRow } from './store/turns.ts'
import { summaryByModel, summaryOfSentences } from './summary.ts'

/** So many messages at the end of a branch are left to be shown whole; a summary grows by so many at a time. */
const shownWhole = 30
const summedAtOnce = 20
/** A summary lies within so many messages of the branch's end. */
export const summaryLookback = shownWhole + summedAtOnce + 10
/** A conversation that is longer than this before its first summary is summed from here on. */
const summedAtFirst = 2_000

type Summed = Pick<SummaryRow, 'content' | 'made_by'>

/** The rolling summaries of long conversations, one step at a time, in the background. */
export function summaries({
  database: { db },
  models,
}: {
  database: Pick<Database, 'db'>
  models: Pick<Models, 'runInBackground'>
}) {
  /** Covers `messages`, which come after what `before` covers. */
  async function put(messages: Row<'messages'>[], before: SummaryRow | undefined, by: Summed): Promise<void> {
    const last = messages.at(-1)
    if (!last) return
    await putSummary(db, {
      message_id: last.id,
      conversation_id: last.conversation_id,
      layer: widest([
        ...messages.filter(({ role }) => role === 'assistant').map(({ layer_used }) => layer_used),
        before?.layer ?? 'public',
      ]),
      ...by,
    })
  }

  return {
    /** Lets the summary of a turn's branch grow, without a model, when enough has been said since. True when it has. */
    async grow(row: TurnRow): Promise<boolean> {
      let messages = await branchUpTo(db, row.message_id, summaryLookback)
      if (messages.length < shownWhole + summedAtOnce) return false
      let before = (await summariesAt(db, idsOf(messages))).at(-1)
      if (!before && messages.length === summaryLookback)
        messages = await branchUpTo(db, row.message_id, summedAtFirst)
      before ??= (await summariesAt(db, idsOf(messages))).at(-1)
      const from = messages.findIndex(({ id }) => id === before?.message_id) + 1
      const fresh = messages.slice(from, messages.length - shownWhole)
      if (fresh.length < summedAtOnce) return false
      const content = await summaryOfSentences(before?.content ?? '', fresh)
      await put(fresh, before, { content, made_by: 'sentences' })
      return true
    },

    /** Has a model write the newest summary of a turn's branch in the place of sentences, if one may be asked in the background. */
    async rewrite(row: TurnRow, signal: AbortSignal): Promise<void> {
      const messages = await branchUpTo(db, row.message_id, 2 * summaryLookback)
      const ids = idsOf(messages)
      const found = await summariesAt(db, ids)
      const [before, newest] = found.length > 1 ? found.slice(-2) : [undefined, found[0]]
      if (newest?.made_by !== 'sentences') return
      const fresh = messages.slice(
        before ? ids.indexOf(before.message_id) + 1 : 0,
        ids.indexOf(newest.message_id) + 1,
      )
      // Of a conversation that was long before its first summary only the sentences tell the beginning.
      const reachesBack = before !== undefined || messages.length < 2 * summaryLookback
      const earlier = reachesBack ? (before?.content ?? '') : newest.content
      const written = await models.runInBackground({ signal }, async (model, stop) => ({
        made_by: model.name,
        content: await summaryByModel(model, earlier, fresh, stop),
      }))
      if (written?.content) await putSummary(db, { ...newest, ...written, content: written.content })
    },

    /** The newest summary that ends with one of these messages of a branch and rests on nothing beyond `layer`. */
    async at(messageIds: string[], layer: Layer): Promise<{ messageId: string; text: string } | undefined> {
      const found = (await summariesAt(db, messageIds)).findLast((summary) => isWithin(summary.layer, layer))
      return found && { messageId: found.message_id, text: found.content }
    },
  }
}

const idsOf = (messages: { id: string }[]) => messages.map(({ id }) => id)
const widest = (layers: Layer[]): Layer =>
  layers.reduce((widestSoFar, layer) => (isWithin(layer, widestSoFar) ? widestSoFar : layer))
