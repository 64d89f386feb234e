import type { FastifyPluginAsync } from 'fastify'
import { createFolder, deleteFolder, listFolders } from '../../../contract/knowledge.ts'
import type { Avees } from '../../avees/index.ts'
import { callerOf } from '../../http/caller.ts'
import { route } from '../../http/route.ts'
import type { Knowledge } from '../knowledge.ts'
import { documentPolicy } from '../policy.ts'

/** Watched folders. Only administrators may add one, because it gives access to files of the server. */
export const folderRoutes =
  ({ knowledge, avees }: { knowledge: Knowledge; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    const policy = documentPolicy({ avees, knowledge })
    const { folders } = knowledge

    /** Returns the avee's id. @throws unless the caller owns the avee */
    async function ownAvee(caller: ReturnType<typeof callerOf>, idOrHandle: string): Promise<string> {
      const { avee, assertCanChange } = await policy.accessToAvee(caller, idOrHandle)
      assertCanChange()
      return avee.id
    }

    route(app, listFolders, async (request) => {
      const aveeId = await ownAvee(callerOf(request), request.params.id)
      return { folders: await folders.list(aveeId), allowed: folders.allowed }
    })

    route(app, createFolder, async (request) => {
      const aveeId = await ownAvee(callerOf(request), request.params.id)
      return await folders.add(aveeId, request.body)
    })

    route(app, deleteFolder, async (request) => {
      const aveeId = await ownAvee(callerOf(request), request.params.id)
      await folders.remove(aveeId, request.params.folder, request.query.documents)
      return { ok: true as const }
    })
  }
