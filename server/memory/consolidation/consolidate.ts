import { minLayer } from '../../../contract/layers.ts'
import { newId, type Row, type Trx } from '../../db/index.ts'
import {
  addSource,
  insertMemory,
  lockPair,
  type MemoryChanges,
  memoriesStatedBefore,
  relatedMemories,
  updateMemory,
} from '../store/memories.ts'
import { memoryTerms, type Pair, stemmedWords } from '../terms.ts'
import { compareSlots, normalizeSlot, type Slot } from './slots.ts'
import type { ForgetRequest, Statement } from './statement.ts'

/** Moves memories of a user to the trash. */
export type Forget = (trx: Trx, userId: string, which: { ids: string[] }) => Promise<unknown>

/** The maximum number of memories that one statement is compared with. */
const maxCompared = 200

/** `localOnly`: the conversation is local only, and so are new memories. */
type LocalPair = Pair & { localOnly?: boolean }

type Known = Row<'memories'>
const isPast = (memory: Known, at: Date): boolean => memory.valid_until !== null && memory.valid_until <= at

/**
 * Merges statements into the memories, in the order of their messages:
 *
 *     repeated → the confidence of the memory increases; its layer becomes the lower of the two
 *     contradicted → the statement supersedes the memory, whose period is kept
 *     ended, denied  → the memory ends
 *     otherwise      → a new memory
 *
 * Consolidation is idempotent.
 */
export async function consolidate(trx: Trx, pair: LocalPair, statements: Statement[]): Promise<void> {
  if (statements.length === 0) return
  await lockPair(trx, pair)
  for (const statement of statements) await consolidateOne(trx, pair, statement)
}

async function consolidateOne(trx: Trx, pair: LocalPair, statement: Statement): Promise<void> {
  const { statedAt } = statement
  const slot = await normalizeSlot(statement)
  const terms = await memoryTerms(pair, statement)
  const known = await relatedMemories(trx, pair, { ...slot, terms }, maxCompared)
  const current = known.filter((memory) => !isPast(memory, statedAt))
  const referenced = current.find((memory) => memory.id === statement.reference?.memoryId)
  const relation = referenced && statement.reference?.relation

  if (referenced && relation === 'ends') return await end(trx, referenced, statement)
  if (statement.status !== 'current') {
    const ended = current.filter((memory) => {
      const compared = compareSlots(memory, slot)
      return compared === 'same' || compared === 'refined' || (slot.value === '' && isSameSlot(memory, slot))
    })
    for (const memory of ended) await end(trx, memory, statement)
    if (ended.length > 0 || statement.status === 'denied' || slot.value === '') return
    if (known.some((memory) => compareSlots(memory, slot) === 'same')) return
    await insert(trx, pair, { statement, slot, terms })
    return
  }

  const repeated =
    referenced && relation === 'same'
      ? referenced
      : ((await findSameWords(current, statement)) ??
        current.find((memory) => compareSlots(memory, slot) === 'same'))
  if (repeated) return await confirm(trx, repeated, statement)

  const contradicted = current.filter((memory) => {
    const compared = compareSlots(memory, slot)
    return memory === referenced || compared === 'contradicted' || compared === 'refined'
  })
  const [newer] = contradicted.filter((memory) => memory.last_confirmed_at > statedAt)
  if (newer) {
    // If a message is consolidated late, later statements remain valid.
    const validUntil = newer.valid_from ?? newer.created_at
    await insert(trx, pair, { statement, slot, terms, validUntil, supersededBy: newer.id })
    return
  }
  await supersede(trx, contradicted, statement, await insert(trx, pair, { statement, slot, terms }))
}

const isSameSlot = (memory: Known, slot: Slot): boolean =>
  memory.subject === slot.subject && memory.attribute === slot.attribute

/** Finds a memory with the same words in any slot. */
async function findSameWords(known: Known[], statement: Statement): Promise<Known | undefined> {
  const stated = new Set(await stemmedWords(statement.content, statement.language))
  if (stated.size === 0) return undefined
  for (const memory of known) {
    if (memory.type !== statement.type) continue
    const words = new Set(await stemmedWords(memory.content, statement.language))
    if (words.size === stated.size && words.isSubsetOf(stated)) return memory
  }
  return undefined
}

async function insert(
  trx: Trx,
  pair: LocalPair,
  memory: { statement: Statement; slot: Slot; terms: number[]; validUntil?: Date; supersededBy?: string },
): Promise<string> {
  const { statement, slot, terms } = memory
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
    layer: statement.layer,
    language: statement.language,
    terms,
    local_only: pair.localOnly ?? false,
    valid_from: statement.validFrom,
    valid_until: memory.validUntil ?? statement.validUntil,
    superseded_by: memory.supersededBy ?? null,
    last_confirmed_at: statement.statedAt,
    created_at: statement.statedAt,
  })
  await addSource(trx, { memoryId: id, ...statement })
  return id
}

async function supersede(trx: Trx, old: Known[], statement: Statement, id: string): Promise<void> {
  for (const memory of old) {
    await end(trx, memory, { ...statement, validUntil: statement.validFrom }, id)
    // The settings that the user made for the old memory apply to its successor.
    if (memory.pinned || memory.local_only)
      await updateMemory(trx, id, { pinned: memory.pinned, local_only: memory.local_only }, new Date())
  }
}

async function end(
  trx: Trx,
  memory: Known,
  { validUntil, statedAt }: Pick<Statement, 'validUntil' | 'statedAt'>,
  supersededBy?: string,
): Promise<void> {
  const at = validUntil ?? statedAt
  const until = memory.valid_from !== null && at < memory.valid_from ? statedAt : at
  const changes = {
    valid_until: until,
    ...(supersededBy === undefined ? {} : { superseded_by: supersededBy }),
  }
  await updateMemory(trx, memory.id, changes, new Date())
}

async function confirm(trx: Trx, memory: Known, statement: Statement): Promise<void> {
  if (!(await addSource(trx, { memoryId: memory.id, ...statement }))) return
  const { statedAt } = statement
  const changes: MemoryChanges = {
    // The observations are independent: the memory is wrong only if both are wrong.
    confidence: 1 - (1 - memory.confidence) * (1 - statement.confidence),
    importance: Math.max(memory.importance, statement.importance),
    confirmations: memory.confirmations + 1,
    last_confirmed_at: memory.last_confirmed_at > statedAt ? memory.last_confirmed_at : statedAt,
    layer: minLayer(memory.layer, statement.layer),
    ...(statement.validFrom && memory.valid_from === null ? { valid_from: statement.validFrom } : {}),
  }
  await updateMemory(trx, memory.id, changes, new Date())
}

/**
 * Forgets the memories that contain every word of a request, except those stated after it. A request of stop words only
 * ("forget it") forgets nothing. Returns how many were forgotten.
 */
export async function forgetRequested(
  trx: Trx,
  pair: Pair,
  requests: ForgetRequest[],
  forget: Forget,
): Promise<number> {
  let count = 0
  for (const { content, language, statedAt } of requests) {
    const wanted = new Set(await stemmedWords(content, language))
    if (wanted.size === 0) continue
    const ids: string[] = []
    for (const memory of await memoriesStatedBefore(trx, pair, statedAt)) {
      const words = new Set(await stemmedWords(memory.content, language))
      if (wanted.isSubsetOf(words)) ids.push(memory.id)
    }
    if (ids.length === 0) continue
    await forget(trx, pair.userId, { ids })
    count += ids.length
  }
  return count
}
