import type { FastifyPluginAsync } from 'fastify'
import { listTools } from '../../contract/tools.ts'
import { route } from '../http/route.ts'
import type { Tools } from './tools.ts'

export const toolRoutes =
  ({ tools }: { tools: Tools }): FastifyPluginAsync =>
  async (app) => {
    route(app, listTools, async () => ({ tools: tools.list() }))
  }
