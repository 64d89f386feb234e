import { validate as isUuid } from 'uuid'
import { type Layer } from '../../contract/layers.ts'
import { type Accounts, isReservedHandle } from '../accounts/index.ts'
import { type Database, newId, violatedUnique } from '../db/index.ts'
import type { Runs } from '../runs/index.ts'
import {
  aveeNotFound,
  handleReserved,
  handleTaken,
  invalidCursor,
  libraryFixed,
  notTheOwner,
  ownerHasFullAccess,
  restrictedApiKey,
  userNotFound,
} from './errors.ts'
import { canManage, type Viewer, visibleLayer } from './policy.ts'
import {
  type Avee,
  type AveeFields,
  type AveeSelector,
  type AveeSummary,
  addPersonaNote,
  deleteAvee,
  deleteFollow,
  deleteGrant,
  findAvee,
  findGranted,
  type GrantRow,
  insertAvee,
  insertFollow,
  insertLibrary,
  isHandleOfOthers,
  listAvees,
  listGrants,
  type NewAvee,
  updateAvee,
  upsertGrant,
} from './store.ts'

/** As long as an owner's own text about an avee may be. */
const mostPersonaNotes = 40_000

/** The handle by which everybody calls their own library. */
const libraryHandle = 'local'

/** What a viewer may see of an avee. */
export type View = { avee: Avee; layer: Layer; isOwner: boolean }

/** A view with what a card of the avee shows. */
export type Card = View & { isFollowing: boolean; followers: number }

/** Personas: their handles, who sees how much of them, who follows them. */
export function avees({
  database,
  accounts,
  runs,
}: {
  database: Database
  accounts: Accounts
  runs: Pick<Runs, 'delete'>
}) {
  const { db } = database

  async function library(userId: string): Promise<Avee> {
    const found = await findAvee(db, { libraryOf: userId })
    if (found) return found
    await insertLibrary(db, { id: newId(), owner_id: userId, handle: libraryHandle, display_name: 'Library' })
    const made = await findAvee(db, { libraryOf: userId })
    if (!made) throw aveeNotFound()
    return made
  }

  /** What the text names; for the library's handle the viewer's own, made on first use. */
  async function which(viewer: Viewer, idOrHandle: string): Promise<AveeSelector> {
    const text = idOrHandle.toLowerCase()
    if (text === libraryHandle && viewer.aveeId === null) return { id: (await library(viewer.userId)).id }
    if (text === libraryHandle) return { libraryOf: viewer.userId }
    return isUuid(text) ? { id: text } : { handle: text }
  }

  async function view(viewer: Viewer, idOrHandle: string): Promise<View> {
    const found = await findGranted(db, await which(viewer, idOrHandle), viewer.userId)
    const layer = found ? visibleLayer(viewer, found.avee, found.granted) : null
    if (!found || layer === null) throw aveeNotFound()
    return { avee: found.avee, layer, isOwner: found.avee.ownerId === viewer.userId }
  }

  /** The avee, for its owner; to others it is not there, or not theirs to change. */
  async function managed(viewer: Viewer, idOrHandle: string): Promise<Avee> {
    const { avee, isOwner } = await view(viewer, idOrHandle)
    if (!isOwner) throw notTheOwner()
    if (!canManage(viewer, avee)) throw restrictedApiKey()
    return avee
  }

  async function shared(viewer: Viewer, idOrHandle: string): Promise<Avee> {
    const avee = await managed(viewer, idOrHandle)
    if (avee.isLibrary) throw libraryFixed()
    return avee
  }

  async function card(viewer: Viewer, idOrHandle: string): Promise<Card> {
    const [met] = cardsOf(
      viewer,
      await listAvees(db, viewer.userId, { which: await which(viewer, idOrHandle) }),
    )
    if (!met) throw aveeNotFound()
    return met
  }

  async function checkHandle(handle: string, userId: string): Promise<void> {
    if (isReservedHandle(handle)) throw handleReserved(handle)
    // Nobody's avee passes for another person.
    const person = await accounts.findUser(handle)
    if (person && person.id !== userId) throw handleTaken(handle)
  }

  /** Whatever anybody does with the avee ends first, and leaves no log of what was said. */
  async function removeAvee(id: string): Promise<void> {
    await runs.delete({ scope: id })
    await deleteAvee(db, id)
  }

  /** Somebody by id or handle. Not by e-mail address: an owner would learn from it who has an account. */
  async function someone(idOrHandle: string) {
    const person = idOrHandle.includes('@') ? undefined : await accounts.findUser(idOrHandle)
    if (!person) throw userNotFound()
    return person
  }

  return {
    /** An avee that the viewer may see, and how far. @throws 404 as if there were none, when they may not. */
    view,

    /** How far somebody may see into an avee at this moment. @throws 404 when it is not theirs to know of. */
    async getLayer(userId: string, aveeId: string): Promise<Layer> {
      return (await view({ userId, aveeId: null }, aveeId)).layer
    },

    /** The person's own library, made on first use. */
    library,

    /** The avee itself, whoever asks: for work that was allowed before it began. */
    async get(id: string): Promise<Avee | undefined> {
      return await findAvee(db, { id })
    },

    async canSee(userId: string, aveeId: string): Promise<boolean> {
      const viewer = { userId, aveeId: null }
      const found = await findGranted(db, { id: aveeId }, userId)
      return found !== undefined && visibleLayer(viewer, found.avee, found.granted) !== null
    },

    async isHandleOfOthers(handle: string, userId: string | null): Promise<boolean> {
      return await isHandleOfOthers(db, handle, userId)
    },

    card,

    /** Avees that are listed for everybody, newest first. */
    async listPublic(
      viewer: Viewer,
      page: { query?: string | undefined; limit: number; cursor?: string | undefined },
    ): Promise<{ cards: Card[]; next: string | null }> {
      if (page.cursor !== undefined && !isUuid(page.cursor)) throw invalidCursor()
      const met = await listAvees(db, viewer.userId, {
        onlyListed: true,
        limit: page.limit + 1,
        words: page.query?.trim().replace(/^@/, '') ?? '',
        ...(page.cursor === undefined ? {} : { after: page.cursor }),
        ...(viewer.aveeId === null ? {} : { which: { id: viewer.aveeId } }),
      })
      const shown = met.slice(0, page.limit)
      return {
        cards: cardsOf(viewer, shown),
        next: met.length > page.limit ? (shown.at(-1)?.avee.id ?? null) : null,
      }
    },

    /** The viewer's own, newest first. */
    async listOwned(viewer: Viewer): Promise<Card[]> {
      return cardsOf(viewer, await listAvees(db, viewer.userId, { ownerId: viewer.userId }))
    },

    async create(viewer: Viewer, fields: NewAvee): Promise<Card> {
      if (viewer.aveeId !== null) throw restrictedApiKey()
      await checkHandle(fields.handle, viewer.userId)
      const made = await refusingTaken(fields.handle, () =>
        insertAvee(db, { ...fields, id: newId(), owner_id: viewer.userId }),
      )
      return await card(viewer, made.id)
    },

    async update(viewer: Viewer, idOrHandle: string, fields: AveeFields): Promise<Card> {
      const avee = await managed(viewer, idOrHandle)
      if (avee.isLibrary && (fields.handle !== undefined || fields.visibility !== undefined))
        throw libraryFixed()
      if (fields.handle !== undefined) await checkHandle(fields.handle, viewer.userId)
      await refusingTaken(fields.handle, () => updateAvee(db, avee.id, fields))
      return await card(viewer, avee.id)
    },

    /** Adds a line to what the avee has learned of how to speak. Only its owner teaches it; what others say changes nothing. */
    async addPersonaNote(viewer: Viewer, aveeId: string, line: string): Promise<void> {
      const avee = await findAvee(db, { id: aveeId })
      if (avee && !avee.isLibrary && canManage(viewer, avee))
        await addPersonaNote(db, aveeId, line, mostPersonaNotes)
    },

    /** Deletes the avee; its documents, conversations and memories fall with it by foreign key. */
    async delete(viewer: Viewer, idOrHandle: string): Promise<void> {
      await removeAvee((await shared(viewer, idOrHandle)).id)
    },

    /** Deletes all avees of somebody who leaves, the library too. */
    async deleteAllOf(userId: string): Promise<void> {
      for (const { avee } of await listAvees(db, userId, { ownerId: userId })) await removeAvee(avee.id)
    },

    async follow(viewer: Viewer, idOrHandle: string): Promise<void> {
      await insertFollow(db, (await view(viewer, idOrHandle)).avee.id, viewer.userId)
    },

    /** Works for an avee that has become private since, too. */
    async unfollow(viewer: Viewer, idOrHandle: string): Promise<void> {
      const avee = await findAvee(db, await which(viewer, idOrHandle))
      const followed = avee !== undefined && (await deleteFollow(db, avee.id, viewer.userId))
      if (!followed) await view(viewer, idOrHandle)
    },

    async grants(viewer: Viewer, idOrHandle: string): Promise<GrantRow[]> {
      return await listGrants(db, (await managed(viewer, idOrHandle)).id)
    },

    /** Lets somebody, named by id or handle, see the avee up to a layer. */
    async grant(viewer: Viewer, idOrHandle: string, user: string, layer: Layer): Promise<GrantRow> {
      const avee = await shared(viewer, idOrHandle)
      const person = await someone(user)
      if (person.id === avee.ownerId) throw ownerHasFullAccess()
      await upsertGrant(db, avee.id, person.id, layer)
      const granted = (await listGrants(db, avee.id)).find((grant) => grant.user_id === person.id)
      if (!granted) throw userNotFound()
      return granted
    },

    async revoke(viewer: Viewer, idOrHandle: string, user: string): Promise<void> {
      const avee = await managed(viewer, idOrHandle)
      await deleteGrant(db, avee.id, (await someone(user)).id)
    },
  }
}

export type Avees = ReturnType<typeof avees>

function cardsOf(viewer: Viewer, met: AveeSummary[]): Card[] {
  return met.flatMap(({ avee, granted, isFollowing, followers }) => {
    const layer = visibleLayer(viewer, avee, granted)
    return layer === null
      ? []
      : [{ avee, layer, isOwner: avee.ownerId === viewer.userId, isFollowing, followers }]
  })
}

async function refusingTaken<Result>(
  handle: string | undefined,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (thrown) {
    if (violatedUnique(thrown) === 'avees_handle') throw handleTaken(handle ?? '')
    throw thrown
  }
}
