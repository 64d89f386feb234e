import { validate as isUuid } from 'uuid'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import { type Layer } from '../../contract/layers.ts'
import {
  type Accounts,
  handleReserved,
  handleTaken,
  isReservedHandle,
  type SessionClient,
  userNotFound,
} from '../accounts/index.ts'
import { type Database, isConflict, newId, translateConflict } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Jobs } from '../jobs/index.ts'
import { checkIdCursor, pageOf } from '../paging.ts'
import type { Runs } from '../runs/index.ts'
import { type AvatarImage, parseAvatar } from './avatar.ts'
import {
  avatarNotFound,
  aveeNotFound,
  libraryFixed,
  notTheOwner,
  ownerHasFullAccess,
  restrictedApiKey,
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
  visibleAvees,
} from './store.ts'

/** The same limit as for the persona. */
const maxPersonaNotesCharacters = 40_000

/** The handle of every user's library. */
const libraryHandle = 'local'

const maxReachable = 500
const maxDeletionAttempts = 5
const deleteRunsKind = 'avees.delete-runs'

/** An avee with the viewer's access. */
export type AveeView = { avee: Avee; layer: Layer; isOwner: boolean }

/** An avee with the data of its card. */
export type AveeCard = AveeView & { isFollowing: boolean; followers: number }

/** Avees: AI personas with handles, access permissions and followers. */
export function avees({
  database,
  accounts,
  runs,
  jobs,
  deletions,
}: {
  database: Database
  accounts: Accounts
  runs: Pick<Runs, 'delete'>
  jobs: Jobs
  deletions: Pick<Deletions, 'count' | 'record'>
}) {
  const { db } = database
  jobs.register<{ aveeId: string }>(deleteRunsKind, { run: ({ aveeId }) => runs.delete({ scope: aveeId }) })

  async function getLibrary(userId: string): Promise<Avee> {
    const found = await findAvee(db, { libraryOf: userId })
    if (found) return found
    await insertLibrary(db, { id: newId(), owner_id: userId, handle: libraryHandle, display_name: 'Library' })
    const created = await findAvee(db, { libraryOf: userId })
    if (!created) throw aveeNotFound()
    return created
  }

  /** Resolves an id or a handle. The library's handle means the viewer's own library, created on first use. */
  async function resolve(viewer: Viewer, idOrHandle: string): Promise<AveeSelector> {
    const text = idOrHandle.toLowerCase()
    if (text === libraryHandle && viewer.aveeId === null) return { id: (await getLibrary(viewer.userId)).id }
    if (text === libraryHandle) return { libraryOf: viewer.userId }
    return isUuid(text) ? { id: text } : { handle: text }
  }

  async function findVisible(
    viewer: Viewer,
    which: AveeSelector | { conversation: string },
  ): Promise<AveeView | undefined> {
    const found = await findGranted(db, which, viewer.userId)
    const layer = found ? visibleLayer(viewer, found.avee, found.granted) : null
    if (!found || layer === null) return undefined
    return { avee: found.avee, layer, isOwner: found.avee.ownerId === viewer.userId }
  }

  async function view(viewer: Viewer, idOrHandle: string): Promise<AveeView> {
    const found = await findVisible(viewer, await resolve(viewer, idOrHandle))
    if (!found) throw aveeNotFound()
    return found
  }

  /** Returns an avee that the viewer may manage. @throws 404 or 403 */
  async function requireManageable(viewer: Viewer, idOrHandle: string): Promise<Avee> {
    const { avee, isOwner } = await view(viewer, idOrHandle)
    if (!isOwner) throw notTheOwner()
    if (!canManage(viewer, avee)) throw restrictedApiKey()
    return avee
  }

  /** Returns an avee that the viewer may share or delete; never the library. */
  async function requireShareable(viewer: Viewer, idOrHandle: string): Promise<Avee> {
    const avee = await requireManageable(viewer, idOrHandle)
    if (avee.isLibrary) throw libraryFixed()
    return avee
  }

  async function getCard(viewer: Viewer, idOrHandle: string): Promise<AveeCard> {
    const [card] = toCards(
      viewer,
      await listAvees(db, viewer.userId, { which: await resolve(viewer, idOrHandle) }),
    )
    if (!card) throw aveeNotFound()
    return card
  }

  async function getPublic(idOrHandle: string): Promise<Avee> {
    const text = idOrHandle.toLowerCase()
    const avee = await findAvee(db, isUuid(text) ? { id: text } : { handle: text })
    if (avee?.visibility !== 'public' || avee.isLibrary) throw aveeNotFound()
    return avee
  }

  /** Returns a public avee that visitors without an account may ask. */
  async function getOpen(idOrHandle: string): Promise<Avee> {
    const avee = await getPublic(idOrHandle)
    if (!avee.anonymous) throw aveeNotFound()
    return avee
  }

  async function checkHandle(handle: string, userId: string): Promise<void> {
    if (isReservedHandle(handle)) throw handleReserved(handle)
    // Handles of avees and users share one namespace.
    const user = await accounts.findUser(handle)
    if (user && user.id !== userId) throw handleTaken(handle)
  }

  /** Deletes the avee, then its runs, in this order, so that running ones end and no new ones start. */
  async function removeAvee(id: string, userId: string): Promise<DeletionReceipt> {
    let receipt: DeletionReceipt
    for (let attempt = 1; ; attempt += 1) {
      try {
        receipt = await database.transaction(async (trx) => {
          const counts = await deletions.count(trx, { aveeId: id })
          await deleteAvee(trx, id)
          await jobs.enqueue(trx, { kind: deleteRunsKind, key: id, input: { aveeId: id } })
          return await deletions.record(trx, userId, counts)
        })
        break
      } catch (error) {
        // Concurrent statements that add rows to the avee lock in the opposite order.
        if (!isConflict(error) || attempt === maxDeletionAttempts) throw error
      }
    }
    await jobs.runNow(deleteRunsKind, id)
    return receipt
  }

  /** Finds a user by id or handle. E-mail addresses are excluded, because they would reveal who has an account. */
  async function requireUser(idOrHandle: string) {
    const found = idOrHandle.includes('@') ? undefined : await accounts.findUser(idOrHandle)
    if (!found) throw userNotFound()
    return found
  }

  return {
    /** Returns an avee with the viewer's access. @throws 404 if there is none or the viewer has no access */
    view,

    /** Returns the avee of a conversation of the viewer; undefined if there is no such conversation or no access. */
    viewOfConversation: (viewer: Viewer, conversation: string): Promise<AveeView | undefined> =>
      findVisible(viewer, { conversation }),

    /** Returns the user's current access layer. @throws 404 if the user has no access */
    async getLayer(userId: string, aveeId: string): Promise<Layer> {
      return (await view({ userId, aveeId: null }, aveeId)).layer
    },

    /** Returns the user's library, created on first use. */
    library: getLibrary,

    /** Returns an avee without an access check, for background work. */
    get: (id: string): Promise<Avee | undefined> => findAvee(db, { id }),

    /** Returns which of these avees the viewer may see. */
    async visibleAmong(viewer: Viewer, aveeIds: string[]): Promise<Set<string>> {
      const ids = aveeIds.filter((id) => viewer.aveeId === null || viewer.aveeId === id)
      if (ids.length === 0) return new Set()
      const rows = await visibleAvees(db, viewer.userId).where('avees.id', 'in', ids).execute()
      return new Set(rows.map(({ id }) => id))
    },

    async canSee(userId: string, aveeId: string): Promise<boolean> {
      return (await findVisible({ userId, aveeId: null }, { id: aveeId })) !== undefined
    },

    isHandleOfOthers: (handle: string, userId: string | null): Promise<boolean> =>
      isHandleOfOthers(db, handle, userId),

    getCard,

    /** Lists public avees, newest first. */
    async listPublic(
      viewer: Viewer,
      page: { query?: string | undefined; limit: number; cursor?: string | undefined },
    ): Promise<{ cards: AveeCard[]; next: string | null }> {
      checkIdCursor(page.cursor)
      const found = await listAvees(db, viewer.userId, {
        onlyListed: true,
        limit: page.limit + 1,
        words: page.query?.trim().replace(/^@/, ''),
        after: page.cursor,
        which: viewer.aveeId === null ? undefined : { id: viewer.aveeId },
      })
      const { page: shown, next } = pageOf(found, page.limit, (last) => last.avee.id)
      return { cards: toCards(viewer, shown), next }
    },

    /** Lists the avees that the viewer can find: owned, granted, followed and listed ones, newest first. */
    async listReachable(viewer: Viewer): Promise<Avee[]> {
      if (viewer.aveeId === null) await getLibrary(viewer.userId)
      const which = viewer.aveeId === null ? undefined : { id: viewer.aveeId }
      const found = await listAvees(db, viewer.userId, { onlyReachable: true, limit: maxReachable, which })
      return toCards(viewer, found).map(({ avee }) => avee)
    },

    /** Lists the viewer's avees, newest first. */
    async listOwned(viewer: Viewer): Promise<AveeCard[]> {
      return toCards(viewer, await listAvees(db, viewer.userId, { ownerId: viewer.userId }))
    },

    /** Lists the avees that the viewer follows and may see, newest first. */
    async listFollowed(viewer: Viewer): Promise<AveeCard[]> {
      return toCards(viewer, await listAvees(db, viewer.userId, { onlyFollowed: true }))
    },

    async create(viewer: Viewer, fields: NewAvee): Promise<AveeCard> {
      if (viewer.aveeId !== null) throw restrictedApiKey()
      await checkHandle(fields.handle, viewer.userId)
      const created = await insertAvee(db, { ...fields, id: newId(), owner_id: viewer.userId }).catch(
        translateConflict(conflicts(fields.handle)),
      )
      return await getCard(viewer, created.id)
    },

    /** Returns what people without an account may see of an avee. @throws 404 unless it is public */
    profile: getPublic,

    /** Starts the visit of a visitor without an account. @throws 404 unless the avee is public and open to visitors */
    async startVisit(idOrHandle: string, token: string | undefined, client: SessionClient) {
      return await accounts.startVisit((await getOpen(idOrHandle)).id, token, client)
    },

    /** Returns the origins whose pages may show an avee in a frame. @throws 404 as `startVisit` does */
    embedOrigins: async (idOrHandle: string): Promise<string[]> => (await getOpen(idOrHandle)).embedOrigins,

    /** Returns the image of an avee; without a viewer, of a public one. @throws avatar_not_found if it has none */
    async avatar(viewer: Viewer | undefined, idOrHandle: string): Promise<AvatarImage> {
      const avee = viewer ? (await view(viewer, idOrHandle)).avee : await getPublic(idOrHandle)
      const image = parseAvatar(avee)
      if (!image) throw avatarNotFound()
      return image
    },

    async update(viewer: Viewer, idOrHandle: string, fields: AveeFields): Promise<AveeCard> {
      const avee = await requireManageable(viewer, idOrHandle)
      if (avee.isLibrary && (fields.handle !== undefined || fields.visibility !== undefined))
        throw libraryFixed()
      if (fields.handle !== undefined) await checkHandle(fields.handle, viewer.userId)
      await updateAvee(db, avee.id, fields).catch(translateConflict(conflicts(fields.handle)))
      return await getCard(viewer, avee.id)
    },

    /** Adds a line to the persona notes if the viewer may manage the avee. */
    async addPersonaNote(viewer: Viewer, aveeId: string, line: string): Promise<void> {
      const avee = await findAvee(db, { id: aveeId })
      if (avee && !avee.isLibrary && canManage(viewer, avee))
        await addPersonaNote(db, aveeId, line, maxPersonaNotesCharacters)
    },

    /** Deletes an avee; foreign keys delete its documents, conversations and memories. */
    async delete(viewer: Viewer, idOrHandle: string): Promise<DeletionReceipt> {
      return await removeAvee((await requireShareable(viewer, idOrHandle)).id, viewer.userId)
    },

    /** Deletes all avees of a user, including the library. */
    async deleteAllOf(userId: string): Promise<void> {
      for (const { avee } of await listAvees(db, userId, { ownerId: userId }))
        await removeAvee(avee.id, userId)
    },

    async follow(viewer: Viewer, idOrHandle: string): Promise<void> {
      await insertFollow(db, (await view(viewer, idOrHandle)).avee.id, viewer.userId)
    },

    /** Also works for an avee that has become private. */
    async unfollow(viewer: Viewer, idOrHandle: string): Promise<void> {
      const avee = await findAvee(db, await resolve(viewer, idOrHandle))
      const isAllowed = avee !== undefined && (viewer.aveeId === null || viewer.aveeId === avee.id)
      const followed = isAllowed && (await deleteFollow(db, avee.id, viewer.userId))
      if (!followed) await view(viewer, idOrHandle)
    },

    async listGrants(viewer: Viewer, idOrHandle: string): Promise<GrantRow[]> {
      return await listGrants(db, (await requireManageable(viewer, idOrHandle)).id)
    },

    /** Gives a user, named by id or handle, access up to a layer. */
    async grant(viewer: Viewer, idOrHandle: string, user: string, layer: Layer): Promise<GrantRow> {
      const avee = await requireShareable(viewer, idOrHandle)
      const { id: userId } = await requireUser(user)
      if (userId === avee.ownerId) throw ownerHasFullAccess()
      await upsertGrant(db, avee.id, userId, layer)
      const granted = (await listGrants(db, avee.id)).find((grant) => grant.user_id === userId)
      if (!granted) throw userNotFound()
      return granted
    },

    async revoke(viewer: Viewer, idOrHandle: string, user: string): Promise<void> {
      const avee = await requireManageable(viewer, idOrHandle)
      await deleteGrant(db, avee.id, (await requireUser(user)).id)
    },
  }
}

export type Avees = ReturnType<typeof avees>

function toCards(viewer: Viewer, summaries: AveeSummary[]): AveeCard[] {
  return summaries.flatMap(({ avee, granted, isFollowing, followers }) => {
    const layer = visibleLayer(viewer, avee, granted)
    return layer === null
      ? []
      : [{ avee, layer, isOwner: avee.ownerId === viewer.userId, isFollowing, followers }]
  })
}

/** Errors by violated unique index. */
const conflicts = (handle = '') => ({ avees_handle: () => handleTaken(handle) })
