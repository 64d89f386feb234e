import { type Layer, minLayer } from '../../../contract/layers.ts'
import { newId, type Row, type Trx } from '../../db/index.ts'
import type { Statement } from '../rules/statements.ts'
import {
  addSource,
  insertMemory,
  likeMemories,
  lockPair,
  type MemoryChanges,
  updateMemory,
} from '../store/memories.ts'
import { formsOf, memoryTerms, type Pair } from '../words.ts'
import { compare, slotOf } from './slots.ts'

/** A statement with where it was made, and what a model made of it against what is known. */
export type Told = {
  statement: Statement
  messageId: string
  layer: Layer
  saidAt: Date
  judged?: { relation: 'same' | 'replaces' | 'ends'; memoryId: string }
}

export type Outcome = 'new' | 'confirmed' | 'replaced' | 'ended' | 'nothing'

/** Rows that a new statement is compared with at most. */
const compared = 200
/** Two texts that share this part of their words say the same, where their kind is the same too. */
const sameText = 0.85
const fewestWords = 3

type Known = Row<'memories'>
const isPast = (memory: Known, at: Date): boolean => memory.valid_until !== null && memory.valid_until <= at

/**
 * Brings what was told together with what is known, one by one in the order in which it was said:
 *
 *     the same again       → the old one grows surer; a lower layer holds, as it was said there too
 *     another value        → the new one takes the place, the old one keeps its time
 *     "no longer", "not"   → the old one ends
 *     anything else        → is kept beside the others
 */
export async function consolidate(trx: Trx, pair: Pair, told: Told[]): Promise<Outcome[]> {
  if (told.length === 0) return []
  await lockPair(trx, pair)
  const outcomes: Outcome[] = []
  for (const one of told) outcomes.push(await take(trx, pair, one))
  return outcomes
}

async function take(trx: Trx, pair: Pair, told: Told): Promise<Outcome> {
  const { statement, saidAt } = told
  const slot = await slotOf(statement)
  const terms = await memoryTerms(pair, { ...statement, attribute: slot.attribute })
  const known = await likeMemories(trx, pair, { ...slot, terms }, compared)
  const current = known.filter((memory) => !isPast(memory, saidAt))
  const confirm = async (memory: Known, more: MemoryChanges = {}): Promise<Outcome> => {
    await updateMemory(trx, memory.id, { ...strengthened(memory, told), ...more }, new Date())
    await link(trx, memory.id, told)
    return 'confirmed'
  }
  const write = async (
    more: { validUntil?: Date | null; supersededBy?: string | null } = {},
  ): Promise<string> => {
    const id = newId()
    await insertMemory(trx, {
      id,
      avee_id: pair.aveeId,
      user_id: pair.userId,
      type: statement.type,
      content: statement.content,
      ...slot,
      confidence: statement.confidence,
      importance: statement.importance,
      layer: told.layer,
      language: statement.language,
      terms,
      valid_from: statement.validFrom,
      valid_until: more.validUntil === undefined ? statement.validUntil : more.validUntil,
      superseded_by: more.supersededBy ?? null,
      last_confirmed_at: saidAt,
      created_at: saidAt,
    })
    await link(trx, id, told)
    return id
  }
  const end = async (memory: Known, at: Date, by?: string): Promise<void> => {
    const until = memory.valid_from !== null && at < memory.valid_from ? saidAt : at
    await updateMemory(
      trx,
      memory.id,
      { valid_until: until, ...(by === undefined ? {} : { superseded_by: by }) },
      new Date(),
    )
  }
  const replace = async (olds: Known[]): Promise<Outcome> => {
    const id = await write()
    for (const old of olds) {
      await end(old, statement.validFrom ?? saidAt, id)
      // What was kept in view or kept from others stays so.
      if (old.pinned || old.local_only)
        await updateMemory(trx, id, { pinned: old.pinned, local_only: old.local_only }, new Date())
    }
    return 'replaced'
  }

  const judged = current.find((memory) => memory.id === told.judged?.memoryId)
  if (judged && told.judged?.relation === 'same') return await confirm(judged)
  if (judged && told.judged?.relation === 'ends') {
    await end(judged, statement.validUntil ?? saidAt)
    return 'ended'
  }

  if (statement.holds !== 'holds') {
    const meant = current.filter((memory) => {
      const against = compare(memory, slot)
      return against === 'same' || against === 'finer' || (slot.value === '' && sameSlot(memory, slot))
    })
    for (const memory of meant) await end(memory, statement.validUntil ?? saidAt)
    if (meant.length > 0) return 'ended'
    if (statement.holds === 'denied' || slot.value === '') return 'nothing'
    if (known.some((memory) => compare(memory, slot) === 'same')) return 'nothing'
    await write()
    return 'new'
  }

  const same =
    (await sayingTheSame(current, statement)) ?? current.find((memory) => compare(memory, slot) === 'same')
  if (same)
    return await confirm(
      same,
      statement.validFrom && same.valid_from === null ? { valid_from: statement.validFrom } : {},
    )
  const others = current.filter((memory) => {
    if (judged && memory.id === judged.id) return true
    const relation = compare(memory, slot)
    return relation === 'against' || relation === 'finer'
  })
  const later = others.filter((memory) => memory.last_confirmed_at > saidAt)
  const [newest] = later
  if (newest) {
    // Read late: what has been said since then stands.
    await write({ validUntil: newest.valid_from ?? newest.created_at, supersededBy: newest.id })
    return 'new'
  }
  if (others.length > 0) return await replace(others)
  await write()
  return 'new'
}

const sameSlot = (memory: Known, slot: { subject: string; attribute: string }): boolean =>
  memory.subject === slot.subject && memory.attribute === slot.attribute

/** One that says it in the same words, whatever slot it was put into. */
async function sayingTheSame(known: Known[], statement: Statement): Promise<Known | undefined> {
  const told = new Set(await formsOf(statement.content, statement.language))
  if (told.size < fewestWords) return undefined
  for (const memory of known) {
    if (memory.type !== statement.type) continue
    const words = new Set(await formsOf(memory.content, memory.language))
    if (words.intersection(told).size / words.union(told).size >= sameText) return memory
  }
  return undefined
}

function strengthened(memory: Known, { statement, layer, saidAt }: Told): MemoryChanges {
  return {
    confidence: Math.min(0.99, 1 - (1 - memory.confidence) * (1 - statement.confidence / 2)),
    importance: Math.max(memory.importance, statement.importance),
    confirmations: memory.confirmations + 1,
    last_confirmed_at: memory.last_confirmed_at > saidAt ? memory.last_confirmed_at : saidAt,
    layer: minLayer(memory.layer, layer),
  }
}

const link = (trx: Trx, memoryId: string, { messageId, statement }: Told): Promise<void> =>
  addSource(trx, { memoryId, messageId, start: statement.start, end: statement.end })
