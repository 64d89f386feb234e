import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { aveeParams } from '../../../contract/avees.ts'
import { id, ok } from '../../../contract/common.ts'
import { folder, folderList, folderRemoval, newFolderBody } from '../../../contract/knowledge.ts'
import type { Avees } from '../../avees/index.ts'
import { callerOf } from '../../http/caller.ts'
import type { Knowledge } from '../knowledge.ts'
import { documentPolicy } from '../policy.ts'
import { presentFolder } from '../present.ts'

const tags = ['documents']
const folderParams = aveeParams.extend({ folder: id })

/** Folders of the server's machine that avees follow. Its files are the administrator's, so nobody else does this. */
export const folderRoutes =
  ({ knowledge, avees }: { knowledge: Knowledge; avees: Avees }): FastifyPluginAsyncZod =>
  async (app) => {
    const policy = documentPolicy({ avees, knowledge })
    const { folders } = knowledge

    /** @throws unless the avee is the caller's own */
    async function ownAvee(caller: ReturnType<typeof callerOf>, idOrHandle: string): Promise<string> {
      const { avee, assertCanChange: mayChange } = await policy.toAvee(caller, idOrHandle)
      mayChange()
      return avee.id
    }

    app.get(
      '/avees/:id/folders',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'The folders of this machine that the avee follows',
          params: aveeParams,
          response: { 200: folderList },
        },
      },
      async (request) => {
        const aveeId = await ownAvee(callerOf(request), request.params.id)
        return { folders: (await folders.list(aveeId)).map(presentFolder), allowed: folders.allowed }
      },
    )

    app.post(
      '/avees/:id/folders',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Follow a folder of this machine',
          params: aveeParams,
          body: newFolderBody,
          response: { 201: folder },
        },
      },
      async (request, reply) => {
        const aveeId = await ownAvee(callerOf(request), request.params.id)
        return await reply.code(201).send(presentFolder(await folders.add(aveeId, request.body)))
      },
    )

    app.delete(
      '/avees/:id/folders/:folder',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'No longer follow a folder',
          params: folderParams,
          querystring: folderRemoval,
          response: { 200: ok },
        },
      },
      async (request) => {
        const aveeId = await ownAvee(callerOf(request), request.params.id)
        await folders.remove(aveeId, request.params.folder, request.query.documents)
        return { ok: true as const }
      },
    )
  }
