import type { FastifyPluginAsync } from 'fastify'
import {
  addTool,
  deleteTool,
  listCustomTools,
  listTools,
  testTool,
  updateTool,
} from '../../contract/tools.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Tools } from './tools.ts'

/** The tools of this server, and those that owners add to their avees. */
export const toolRoutes =
  ({ tools }: { tools: Tools }): FastifyPluginAsync =>
  async (app) => {
    const { custom } = tools
    route(app, listTools, async () => ({ tools: tools.list() }))

    route(app, listCustomTools, async (request) => ({
      tools: await custom.list(callerOf(request), request.params.id),
    }))

    route(app, addTool, async (request) => custom.add(callerOf(request), request.params.id, request.body))

    route(app, updateTool, async (request) => {
      const { id, tool_id } = request.params
      return await custom.update(callerOf(request), id, tool_id, request.body)
    })

    route(app, testTool, async (request) =>
      custom.test(callerOf(request), request.params.id, request.params.tool_id),
    )

    route(app, deleteTool, async (request) => {
      await custom.delete(callerOf(request), request.params.id, request.params.tool_id)
      return { ok: true as const }
    })
  }
