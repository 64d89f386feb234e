import type { tryAvee } from '../../contract/chat.ts'
import { minLayer } from '../../contract/layers.ts'
import type { BodyOf } from '../../contract/operation.ts'
import { type Avees, notTheOwner } from '../avees/index.ts'
import { newId } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { EventBody, RunKind, RunRecord, Runs } from '../runs/index.ts'
import { type AnswerInput, answerQuestion, parseEvent, type TurnStorage } from './answer.ts'
import type { PromptDependencies } from './compose-prompt.ts'
import { answerRunning } from './errors.ts'
import { type ChatEvents, mergeTokens, type StoredComplete, textOf } from './events.ts'
import { createLogView, type LogViewDependencies } from './log-view.ts'
import type { StoredAnswer } from './policy.ts'

/** Ids for the events of a trial, which has no rows. */
type Ids = Required<TurnStorage['ids']>
type TrialInput = AnswerInput &
  Ids &
  Pick<BodyOf<typeof tryAvee>, 'question' | 'layer' | 'persona' | 'example_dialogue' | 'history'>

const trialKind = 'trial'
const readingMs = 10_000

/**
 * Questions with which owners try their avees as a person with access up to a layer. They are stored in the run's log
 * only, until it expires or a document is purged.
 */
export function trials(
  dependencies: PromptDependencies & LogViewDependencies & { avees: Avees; runs: Runs },
) {
  const { avees, runs } = dependencies
  const kind: RunKind<TrialInput> = {
    work: (context) => answerQuestion(dependencies, context, trialStorage(avees, context.run)),
    async close({ input: { message_id } }, closing) {
      return closing.status === 'stopped'
        ? ({ event: 'stopped', message_id } satisfies ChatEvents['stopped'])
        : ({ error: closing.error, event: 'error', message_id } satisfies ChatEvents['error'])
    },
    isChat: () => true,
    merge: mergeTokens,
    view: async ({ id, status, input: { aveeId } }, viewer) =>
      createLogView(
        dependencies,
        { aveeId, answer: status === 'running' ? undefined : await readAnswer(id) },
        viewer,
      ),
  }
  runs.register(trialKind, kind)

  /** Returns the answer in the log of an ended trial. If its sources are missing, all of its quotations are hidden. */
  async function readAnswer(runId: string): Promise<StoredAnswer> {
    const events: EventBody[] = []
    for await (const batch of runs.follow(runId, 0, AbortSignal.timeout(readingMs)))
      events.push(...batch.map(parseEvent))
    const find = (name: string) => events.find(({ event }) => event === name)
    const { model = null } = (find('start') ?? {}) as Partial<ChatEvents['start']>
    const { citations } = (find('complete') ?? {}) as Partial<StoredComplete>
    return {
      content: textOf(events),
      model,
      citations: citations ?? [],
      documents: citations?.map(({ document_id }) => document_id) ?? [runId],
    }
  }

  return {
    /** Starts the answer to a question that is not stored. @throws 404, 403 for anybody but the owner, 409 */
    async start(caller: Caller, idOrHandle: string, body: BodyOf<typeof tryAvee>): Promise<RunRecord> {
      const { avee, layer, isOwner } = await avees.view(caller, idOrHandle)
      if (!isOwner) throw notTheOwner()
      const { run, outcome } = await runs.start<TrialInput>({
        kind: trialKind,
        userId: caller.userId,
        subject: avee.id,
        scope: avee.id,
        input: {
          aveeId: avee.id,
          strong: false,
          useDocuments: true,
          history: body.history,
          question: body.question,
          layer: minLayer(layer, body.layer),
          persona: body.persona,
          example_dialogue: body.example_dialogue,
          conversation_id: newId(),
          user_message_id: newId(),
          message_id: newId(),
        },
      })
      if (outcome === 'busy') throw answerRunning(run.id)
      return run
    },

    /** Deletes all trials, as their logs may quote documents that are purged. */
    purge: () => runs.delete({ kind: trialKind }),
  }
}

function trialStorage(avees: Avees, { userId, createdAt, input }: RunRecord<TrialInput>): TurnStorage {
  const { aveeId, question, layer, conversation_id, user_message_id, message_id } = input
  return {
    ids: { conversation_id, user_message_id, message_id },
    isContinuation: false,
    async read() {
      const view = await avees.view({ userId, aveeId: null }, aveeId)
      return {
        avee: {
          ...view.avee,
          persona: input.persona ?? view.avee.persona,
          exampleDialogue: input.example_dialogue ?? view.avee.exampleDialogue,
        },
        layer: minLayer(view.layer, layer),
        history: input.history,
        question: { id: user_message_id, content: question, created_at: createdAt },
        // A user without memories.
        askerId: user_message_id,
      }
    },
    saveGrounding: async () => undefined,
    finish: async () => async () => undefined,
  }
}
