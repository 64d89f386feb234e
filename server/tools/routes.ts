import type { FastifyPluginAsync } from 'fastify'
import { addTool, deleteTool, listOwnTools, listTools, testTool, updateTool } from '../../contract/tools.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Tools } from './tools.ts'

/** The tools of this server, and those that owners add to their avees. */
export const toolRoutes =
  ({ tools }: { tools: Tools }): FastifyPluginAsync =>
  async (app) => {
    const { own } = tools
    route(app, listTools, async () => ({ tools: tools.list() }))

    route(app, listOwnTools, async (request) => ({
      tools: await own.list(callerOf(request), request.params.id),
    }))

    route(app, addTool, async (request) => own.add(callerOf(request), request.params.id, request.body))

    route(app, updateTool, async (request) => {
      const { id, tool_id } = request.params
      return await own.update(callerOf(request), id, tool_id, request.body)
    })

    route(app, testTool, async (request) =>
      own.test(callerOf(request), request.params.id, request.params.tool_id),
    )

    route(app, deleteTool, async (request) => {
      await own.delete(callerOf(request), request.params.id, request.params.tool_id)
      return { ok: true as const }
    })
  }
