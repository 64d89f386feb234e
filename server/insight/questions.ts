import type { QuestionState, UnansweredQuestion } from '../../contract/avee-insight.ts'
import type { VisitorSettings } from '../../contract/insight.ts'
import { compareLayers, isWithin, type Layer } from '../../contract/layers.ts'
import type { Avee, Avees } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import { languageOf, termExtractor } from './analysis/terms.ts'
import { forwardingNotAllowed, ownQuestion, questionNotFound, questionTextRequired } from './errors.ts'
import { minUsers } from './policy.ts'
import { redact } from './redact.ts'
import {
  countHidden,
  findQuestion,
  type GroupMember,
  groupMembers,
  markForwarded,
  markReplied,
  setGroupState,
} from './store/questions.ts'
import { findConsent, findSharing, putConsent, putSharing } from './store/sharing.ts'
import { addQuestion, type UnansweredListener } from './turn-jobs.ts'

/** A question of the caller, from the module that stores messages. */
export type Question = {
  id: string
  conversationId: string
  aveeId: string
  layer: Layer
  content: string
}

/** Adds a message of the avee's owner to a conversation; returns its id. */
export type AddOwnerReply = (
  trx: Trx,
  reply: { conversationId: string; text: string; layer: Layer },
) => Promise<string>

type Dependencies = {
  database: Database
  knowledge: Pick<Knowledge, 'ingestText'>
  avees: Pick<Avees, 'getLayer' | 'get'>
  notifyUnanswered: UnansweredListener
}

/** Questions that an avee could not answer: the owner's inbox, and forwarding of questions by users. */
export function questions({ database, knowledge, avees, notifyUnanswered }: Dependencies) {
  const { db } = database

  async function getGroup(avee: Avee, groupId: string): Promise<GroupMember[]> {
    const members = await groupMembers(db, avee, { groupId })
    if (members.length === 0) throw questionNotFound()
    return members
  }

  /** Sends the reply to one question. Returns false if it already has a reply. */
  async function replyTo(
    question: GroupMember,
    reply: { text: string; layer: Layer },
    addOwnerReply: AddOwnerReply,
  ): Promise<boolean> {
    try {
      await database.transaction(async (trx) => {
        const replyId = await addOwnerReply(trx, { conversationId: question.conversation_id, ...reply })
        if (!(await markReplied(trx, question.message_id, replyId))) throw new AlreadyReplied()
      })
      return true
    } catch (error) {
      if (error instanceof AlreadyReplied) return false
      throw error
    }
  }

  return {
    getSharing: (aveeId: string): Promise<VisitorSettings> => findSharing(db, aveeId),

    async updateSharing(aveeId: string, changes: Partial<VisitorSettings>): Promise<VisitorSettings> {
      const sharing = { ...(await findSharing(db, aveeId)), ...changes }
      await putSharing(db, aveeId, sharing)
      return sharing
    },

    /** Returns whether the user agreed to share unanswered questions; null when they have not been asked. */
    getConsent: (aveeId: string, userId: string): Promise<boolean | null> => findConsent(db, aveeId, userId),
    setConsent: (aveeId: string, userId: string, share: boolean): Promise<void> =>
      putConsent(db, aveeId, userId, share),

    /** Forwards a question to the owner of the avee, with the user's name. Forwarding it again changes nothing. */
    async forward(userId: string, question: Question, note: string): Promise<{ groupId: string; at: Date }> {
      const avee = await avees.get(question.aveeId)
      const sharing = await findSharing(db, question.aveeId)
      if (avee?.ownerId === userId) throw ownQuestion()
      if (!sharing.allow_pass_on) throw forwardingNotAllowed()
      const extractor = await termExtractor(languageOf(question.content))
      return await database.transaction(async (trx) => {
        await addQuestion(trx, {
          message_id: question.id,
          avee_id: question.aveeId,
          conversation_id: question.conversationId,
          user_id: userId,
          layer: question.layer,
          reason: 'passed_on',
          shared: true,
          terms: [...extractor.stemsOf(question.content)],
        })
        await markForwarded(trx, question.id, note)
        const row = await findQuestion(trx, question.id)
        if (!row?.passed_on_at) throw questionNotFound()
        await notifyUnanswered(trx, row)
        await setGroupState(trx, row.group_id, 'open')
        return { groupId: row.group_id, at: row.passed_on_at }
      })
    },

    /** Lists the owner's inbox. Questions of others are shown only if their users agreed or forwarded them. */
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
        hidden: hidden.users >= minUsers ? hidden.questions : 0,
      }
    },

    /**
     * Answers a question: the answer becomes a document of the avee and is sent to the users who forwarded the question
     * and may see the layer. Users who already have a reply get no second one.
     */
    async answer(
      avee: Avee,
      groupId: string,
      given: { answer: string; layer: Layer; question?: string | undefined; keep: boolean; reply: boolean },
      addOwnerReply: AddOwnerReply,
      signal: AbortSignal,
    ): Promise<{ documentId: string | null; replies: number }> {
      const members = await getGroup(avee, groupId)
      const question = given.question ?? visibleText(members)
      if (given.keep && question === null) throw questionTextRequired()
      const ingested =
        given.keep && question !== null
          ? await knowledge.ingestText(
              { userId: avee.ownerId, aveeId: avee.id, layer: given.layer, usualLayer: given.layer },
              {
                title: question.slice(0, 200),
                text: `# ${question.replaceAll(/\s+/g, ' ')}\n\n${given.answer}`,
              },
              signal,
            )
          : undefined
      let replies = 0
      for (const member of given.reply ? members : []) {
        if (member.passed_on_at === null || member.reply_id !== null) continue
        const layer = await avees.getLayer(member.user_id, avee.id).catch(() => undefined)
        if (layer === undefined || !isWithin(given.layer, layer)) continue
        if (await replyTo(member, { text: given.answer, layer: given.layer }, addOwnerReply)) replies += 1
      }
      await setGroupState(db, groupId, 'answered', ingested?.document.id)
      return { documentId: ingested?.document.id ?? null, replies }
    },

    async dismiss(avee: Avee, groupId: string): Promise<void> {
      await getGroup(avee, groupId)
      await setGroupState(db, groupId, 'dismissed')
    },
  }
}
export type Questions = ReturnType<typeof questions>

/** Rolls back the second of two concurrent replies. */
class AlreadyReplied extends Error {}

/**
 * Returns the question as the owner may read it: without contact details, unless the owner asked it or it was
 * forwarded.
 */
function visibleText(members: GroupMember[]): string | null {
  const visible = members.find(({ is_owner }) => is_owner) ?? members.find(({ shared }) => shared)
  if (!visible) return null
  return visible.is_owner || visible.passed_on_at !== null ? visible.content : redact(visible.content)
}

function presentGroup(members: GroupMember[]): UnansweredQuestion {
  const [first] = members
  const last = members.at(-1)
  if (!first || !last) throw new Error('A group has no questions.')
  const day = (at: Date) => at.toISOString().slice(0, 10)
  const mostPublic = members.toSorted((a, b) => compareLayers(a.layer, b.layer))[0] ?? first
  return {
    id: first.group_id,
    question: visibleText(members),
    count: members.length,
    layer: mostPublic.layer,
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
