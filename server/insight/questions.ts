import type { QuestionState, UnansweredQuestion } from '../../contract/avee-insight.ts'
import type { VisitorSettings } from '../../contract/insight.ts'
import { compareLayers, isWithin, type Layer } from '../../contract/layers.ts'
import type { Avee, Avees } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import { languageOf, termReader } from './analysis/terms.ts'
import { forwardingNotAllowed, ownQuestion, questionNotFound, questionTextRequired } from './errors.ts'
import { minUsers } from './policy.ts'
import { redact } from './redact.ts'
import {
  countHidden,
  findQuestion,
  type GroupMember,
  groupMembers,
  markPassedOn,
  markReplied,
  setGroupState,
} from './store/questions.ts'
import { findChoice, findSharing, putChoice, putSharing } from './store/sharing.ts'
import { addQuestion } from './turns.ts'

/** A person's own question, as the room above knows it. */
export type OwnQuestion = {
  id: string
  conversationId: string
  aveeId: string
  layer: Layer
  content: string
}

type Parts = {
  database: Database
  knowledge: Pick<Knowledge, 'ingestText'>
  avees: Pick<Avees, 'getLayer' | 'get'>
  /** Puts a message of the avee's owner into a conversation, in the same transaction; gives the message's id. */
  deliver(trx: Trx, reply: { conversationId: string; text: string; layer: Layer }): Promise<string>
}

/** What an avee could not answer: its owner's inbox, and the way there for those who ask. */
export function questions({ database, knowledge, avees, deliver }: Parts) {
  const { db } = database

  async function groupOf(avee: Avee, groupId: string): Promise<GroupMember[]> {
    const members = await groupMembers(db, avee, { groupId })
    if (members.length === 0) throw questionNotFound()
    return members
  }

  return {
    sharing: (aveeId: string): Promise<VisitorSettings> => findSharing(db, aveeId),

    async changeSharing(aveeId: string, changes: Partial<VisitorSettings>): Promise<VisitorSettings> {
      const sharing = { ...(await findSharing(db, aveeId)), ...changes }
      await putSharing(db, aveeId, sharing)
      return sharing
    },

    choice: (aveeId: string, userId: string): Promise<boolean | null> => findChoice(db, aveeId, userId),
    choose: (aveeId: string, userId: string, share: boolean): Promise<void> =>
      putChoice(db, aveeId, userId, share),

    /** Sends a question to the owner of the avee, with the name of who asks, where the owner takes questions. */
    async passOn(
      userId: string,
      question: OwnQuestion,
      note: string,
    ): Promise<{ groupId: string; at: Date }> {
      const avee = await avees.get(question.aveeId)
      const { allow_pass_on: isAllowed } = await findSharing(db, question.aveeId)
      if (avee?.ownerId === userId) throw ownQuestion()
      if (!isAllowed) throw forwardingNotAllowed()
      const reader = await termReader(languageOf(question.content))
      const terms = [...reader.formsOf(question.content)]
      await database.transaction(async (trx) => {
        await addQuestion(trx, {
          messageId: question.id,
          aveeId: question.aveeId,
          conversationId: question.conversationId,
          userId,
          layer: question.layer,
          reason: 'passed_on',
          shared: true,
          terms,
        })
        await markPassedOn(trx, question.id, note)
        const row = await findQuestion(trx, question.id)
        if (row) await setGroupState(trx, row.group_id, 'open')
      })
      const row = await findQuestion(db, question.id)
      if (!row?.passed_on_at) throw questionNotFound()
      return { groupId: row.group_id, at: row.passed_on_at }
    },

    /** The inbox. Words of others are in it only where they were told and agreed, or sent them. */
    async list(
      avee: Avee,
      state: QuestionState,
      limit: number,
    ): Promise<{ questions: UnansweredQuestion[]; hidden: number }> {
      const [members, hidden] = await Promise.all([
        groupMembers(db, avee, { state, limit }),
        countHidden(db, avee.id, state),
      ])
      const groups = Map.groupBy(members, ({ group_id }) => group_id)
      return {
        questions: [...groups.values()].map(presentGroup),
        hidden: hidden.people >= minUsers ? hidden.questions : 0,
      }
    },

    /**
     * Answers a question: the answer becomes a document of the avee, so that it is answered next time, and goes to
     * those who passed the question on and may see the layer. Doing it twice changes nothing more.
     */
    async answer(
      avee: Avee,
      groupId: string,
      given: { answer: string; layer: Layer; question?: string | undefined; keep: boolean; reply: boolean },
      signal: AbortSignal,
    ): Promise<{ documentId: string | null; replies: number }> {
      const members = await groupOf(avee, groupId)
      const words = given.question ?? shownWords(members)
      if (given.keep && words === null) throw questionTextRequired()
      const kept =
        given.keep && words !== null
          ? await knowledge.ingestText(
              { userId: avee.ownerId, aveeId: avee.id, layer: given.layer, usualLayer: given.layer },
              { title: words.slice(0, 200), text: `# ${words.replaceAll(/\s+/g, ' ')}\n\n${given.answer}` },
              signal,
            )
          : undefined
      let replies = 0
      for (const member of given.reply ? members : []) {
        if (member.passed_on_at === null || member.reply_id !== null) continue
        const layer = await avees.getLayer(member.user_id, avee.id).catch(() => undefined)
        if (layer === undefined || !isWithin(given.layer, layer)) continue
        const isSent = await database
          .transaction(async (trx) => {
            const replyId = await deliver(trx, {
              conversationId: member.conversation_id,
              text: given.answer,
              layer: given.layer,
            })
            if (await markReplied(trx, member.message_id, replyId)) return true
            throw new RepliedMeanwhile()
          })
          .catch((error: unknown) => {
            if (error instanceof RepliedMeanwhile) return false
            throw error
          })
        if (isSent) replies += 1
      }
      await setGroupState(db, groupId, 'answered', kept?.document.id)
      return { documentId: kept?.document.id ?? null, replies }
    },

    async dismiss(avee: Avee, groupId: string): Promise<void> {
      await groupOf(avee, groupId)
      await setGroupState(db, groupId, 'dismissed')
    },
  }
}
export type Questions = ReturnType<typeof questions>

/** Rolls back the second of two replies. */
class RepliedMeanwhile extends Error {}

/** How the question may be shown: the owner's own words as they are, those of others without what tells who they are. */
function shownWords(members: GroupMember[]): string | null {
  const shown = members.find(({ is_owner }) => is_owner) ?? members.find(({ shared }) => shared)
  if (!shown) return null
  return shown.is_owner || shown.passed_on_at !== null ? shown.content : redact(shown.content)
}

function presentGroup(members: GroupMember[]): UnansweredQuestion {
  const [first] = members
  const last = members.at(-1)
  if (!first || !last) throw new Error('a group without questions')
  const day = (at: Date) => at.toISOString().slice(0, 10)
  const widest = members.toSorted((a, b) => compareLayers(a.layer, b.layer))[0] ?? first
  return {
    id: first.group_id,
    question: shownWords(members),
    count: members.length,
    layer: widest.layer,
    reason: members.find(({ reason }) => reason !== 'passed_on')?.reason ?? 'passed_on',
    state: first.state,
    passed_on: members.flatMap(({ passed_on_at, reply_id, display_name, content, note }) =>
      passed_on_at === null
        ? []
        : [
            {
              from: display_name,
              question: content,
              note,
              passed_on_at: passed_on_at.toISOString(),
              replied: reply_id !== null,
            },
          ],
    ),
    first_asked: day(first.created_at),
    last_asked: day(last.created_at),
    document_id: first.document_id,
  }
}
