import { createHash } from 'node:crypto'
import { v7 } from 'uuid'
import type { Layer } from '../../../contract/layers.ts'
import { type Avees, notTheOwner } from '../../avees/index.ts'
import type { Database, Trx } from '../../db/index.ts'
import type { Caller } from '../../http/caller.ts'
import type { Knowledge } from '../../knowledge/index.ts'
import type { Memory } from '../../memory/index.ts'
import type { RunContext, RunKind, RunRecord, Runs } from '../../runs/index.ts'
import { importRunning, notAnExport } from '../errors.ts'
import { findExisting, insertImported } from '../store/conversations.ts'
import { type ImportedConversation, toConversation } from './formats.ts'
import { readExport } from './read-export.ts'

type ImportInput = { aveeId: string; layer: Layer; sha256: string }
type Counts = { imported: number; existing: number; unreadable: number }
type StagedFile = Parameters<Knowledge['staging']['discard']>[0]

export type ImportDependencies = {
  database: Database
  runs: Runs
  avees: Pick<Avees, 'view'>
  knowledge: Pick<Knowledge, 'limits' | 'runFiles'>
  memory: Pick<Memory, 'indexImported'>
  assertQuota: (trx: Trx, caller: { userId: string }) => Promise<void>
}

const kind = 'import'
/** Conversations and messages per transaction, at most. */
const batchSize = 20
const batchMessages = 400

/** Imports conversations of other programs, as a run that resumes after a crash. */
export function imports({ database, runs, avees, knowledge, memory, assertQuota }: ImportDependencies) {
  const maxBytes = knowledge.limits.maxUnpackedBytes

  async function work(context: RunContext<ImportInput>) {
    const { run, signal } = context
    const counts: Counts = { imported: 0, existing: 0, unreadable: 0 }
    for (const { data } of run.attempt > 1 ? await context.events() : []) {
      const event = JSON.parse(data) as Partial<Counts>
      if (event.imported !== undefined) Object.assign(counts, pick(event as Counts))
    }
    let done = counts.imported + counts.existing + counts.unreadable
    let batch: (ImportedConversation | undefined)[] = []
    let messages = 0

    /** Stores a batch and its progress event in one transaction. */
    const flush = async () => {
      if (batch.length === 0) return
      const found = batch.flatMap((each) => (each ? [rowsOf(run, each)] : []))
      const known = await findExisting(
        database.db,
        found.map(({ conversation }) => conversation.id),
      )
      const added = found.filter(({ conversation: { id } }) => !known.has(id) && known.add(id))
      counts.imported += added.length
      counts.existing += found.length - added.length
      counts.unreadable += batch.length - found.length
      const event = {
        message: `Imported ${counts.imported} conversation${counts.imported === 1 ? '' : 's'}.`,
        ...counts,
      }
      await context.commit(event, async (trx) => {
        for (const rows of added) await store(trx, run.userId, rows)
      })
      batch = []
      messages = 0
    }

    for await (const object of readExport(knowledge.runFiles.pathOf(run.input.sha256), maxBytes)) {
      signal.throwIfAborted()
      if (done > 0) {
        done -= 1
        continue
      }
      const conversation = toConversation(object)
      batch.push(conversation)
      messages += conversation?.messages.length ?? 0
      if (batch.length >= batchSize || messages >= batchMessages) await flush()
    }
    await flush()
    return {
      event: { done: true, ...counts },
      store: (trx: Trx) => knowledge.runFiles.release(trx, run.id),
    }
  }

  async function store(trx: Trx, userId: string, { conversation, messages }: Rows): Promise<void> {
    await assertQuota(trx, { userId })
    await insertImported(trx, conversation, messages)
    await memory.indexImported(trx, conversation.id)
  }

  runs.register<ImportInput>(kind, {
    work,
    async close(run, closing, _events, trx) {
      await knowledge.runFiles.release(trx, run.id)
      return closing.status === 'stopped' ? { event: 'stopped' } : { event: 'error', error: closing.error }
    },
  } satisfies RunKind<ImportInput>)

  /**
   * Starts to import a file, whose ownership it takes, into an avee of the caller. @throws not_an_export,
   * export_damaged
   */
  return async (
    caller: Caller,
    aveeIdOrHandle: string,
    staged: StagedFile,
    idempotencyKey: string | undefined,
  ): Promise<RunRecord> => {
    const { avee, layer, isOwner } = await avees.view(caller, aveeIdOrHandle)
    if (!isOwner) throw notTheOwner()
    await assertHasConversation(staged.path)
    const started = await runs.start<ImportInput>(
      {
        kind,
        userId: caller.userId,
        scope: avee.id,
        subject: avee.id,
        input: { aveeId: avee.id, layer, sha256: staged.sha256 },
        idempotencyKey,
      },
      async (trx, runId) => knowledge.runFiles.keep(trx, runId, staged),
    )
    if (started.outcome === 'busy') throw importRunning(started.run.id)
    return started.run
  }

  /** Reads only the beginning of a file. */
  async function assertHasConversation(path: string): Promise<void> {
    let seen = 0
    for await (const object of readExport(path, maxBytes)) {
      if (toConversation(object)) return
      seen += 1
      if (seen === batchSize) break
    }
    throw notAnExport()
  }
}

type Rows = {
  conversation: Parameters<typeof insertImported>[1]
  messages: Parameters<typeof insertImported>[2]
}

function rowsOf(
  { userId, input: { aveeId, layer } }: RunRecord<ImportInput>,
  imported: ImportedConversation,
): Rows {
  const idOf = derivedIds(`${userId} ${aveeId} ${imported.product} ${imported.id}`)
  const id = idOf('', imported.createdAt)
  const messageIds = new Map(imported.messages.map((each) => [each.id, idOf(each.id, each.createdAt)]))
  return {
    conversation: {
      id,
      avee_id: aveeId,
      user_id: userId,
      title: imported.title || null,
      title_by: imported.title ? 'user' : 'auto',
      layer_used: layer,
      leaf_id: messageIds.get(imported.leaf) ?? null,
      pinned: imported.pinned,
      archived: imported.archived,
      created_at: imported.createdAt,
      updated_at: imported.updatedAt,
    },
    messages: imported.messages.map((each) => ({
      id: messageIds.get(each.id) ?? '',
      conversation_id: id,
      parent_id: messageIds.get(each.parentId ?? '') ?? null,
      role: each.role,
      content: each.content,
      status: 'complete',
      layer_used: layer,
      model: each.model,
      created_at: each.createdAt,
    })),
  }
}

const pick = ({ imported, existing, unreadable }: Counts): Counts => ({ imported, existing, unreadable })

/** Returns a function that derives UUIDv7 ids, so that an object has the same id in every import. */
const derivedIds = (source: string) => (name: string, at: Date) =>
  v7({
    msecs: Math.max(0, at.getTime()),
    random: createHash('sha256').update(`${source} ${name}`).digest().subarray(0, 16),
    seq: createHash('sha256').update(`seq ${source} ${name}`).digest().readUInt32BE(0),
  })
