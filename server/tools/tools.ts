import { z } from 'zod'
import { minLayer } from '../../contract/layers.ts'
import { type Tool, type ToolName, toolNames } from '../../contract/tools.ts'
import type { Avee, AveeView } from '../avees/index.ts'
import { AppError } from '../errors.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Log } from '../log.ts'
import type { Memory } from '../memory/index.ts'
import type { JsonSchema } from '../models/index.ts'
import { calculate } from './calculate.ts'
import { type CustomToolDependencies, customTools } from './custom/custom-tools.ts'
import { documentTools } from './documents.ts'
import {
  badArguments,
  blockedTool,
  notComputable,
  tookTooLong,
  toolFailed,
  unknownTimeZone,
} from './errors.ts'
import { memoryTools } from './memories.ts'
import type { OfferedToolRow } from './store.ts'
import {
  type AveeTool,
  type BuiltInTool,
  builtInTool,
  type ToolContext,
  type ToolResult,
  type ToolScope,
} from './tool.ts'
import { fetchPageTool, searchWebTool } from './web.ts'

export type ToolDependencies = CustomToolDependencies & {
  knowledge: Pick<Knowledge, 'contextPassages' | 'page' | 'webPage'>
  memory: Pick<Memory, 'recall' | 'prepareMemory'>
  log: Log
  /** Without it, there is no web search. */
  searxngUrl?: string | undefined
  now?: () => Date
}

const timeoutMs = 20_000

/**
 * The tools that an avee may use while it answers: built-in ones that its owner has selected, and those that the owner
 * has added.
 */
export function tools({
  avees,
  knowledge,
  memory,
  log,
  searxngUrl,
  now = () => new Date(),
  ...dependencies
}: ToolDependencies) {
  const custom = customTools({ avees, ...dependencies })
  const builtIn: Partial<Record<ToolName, BuiltInTool>> = {
    ...documentTools(knowledge),
    ...memoryTools(memory),
    current_time: builtInTool({
      title: 'Date and time',
      description: 'Returns the current date and time.',
      input: z.object({
        time_zone: z.string().max(60).default('UTC').describe('A name like Europe/Berlin.'),
      }),
      async run({ time_zone }) {
        const text = timeIn(now(), time_zone)
        return { text, summary: text }
      },
    }),
    calculate: builtInTool({
      title: 'Calculator',
      description:
        'Evaluates an arithmetic expression with + - * / % ^, parentheses, pi, e, abs, ceil, floor, round, min, max, sqrt, exp, ln, log, sin, cos and tan.',
      input: z.object({ expression: z.string().max(500) }),
      async run({ expression }) {
        try {
          const text = `${expression} = ${calculate(expression)}`
          return { text, summary: text }
        } catch (error) {
          throw notComputable((error as Error).message)
        }
      },
    }),
    fetch_page: fetchPageTool(knowledge),
    ...(searxngUrl === undefined ? {} : { search_web: searchWebTool(searxngUrl) }),
  }

  const find = (name: string): BuiltInTool | undefined =>
    Object.hasOwn(builtIn, name) ? builtIn[name as ToolName] : undefined

  /** Returns the current avee and layer, with `localOnly` if the conversation is local only. */
  async function viewNow({ viewerId, avee, conversationId }: ToolContext): Promise<AveeView> {
    const viewer = { userId: viewerId, aveeId: null }
    const found =
      conversationId === undefined ? undefined : await avees.viewOfConversation(viewer, conversationId)
    return found ?? (await avees.view(viewer, avee.id))
  }

  /** Runs a tool with the user's current access, within the time limit. */
  async function runTool(
    scope: ToolScope,
    run: (context: ToolContext) => Promise<ToolResult>,
    context: ToolContext,
  ): Promise<ToolResult> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([context.signal, timeout])
    const aborted = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true })
    try {
      const { layer, avee } = await viewNow(context)
      if (avee.localOnly && scope === 'external') throw blockedTool()
      const running = run({ ...context, layer: minLayer(layer, context.layer), signal })
      const result = await Promise.race([running, aborted.promise])
      return avee.localOnly ? { ...result, localOnly: true } : result
    } catch (error) {
      context.signal.throwIfAborted()
      if (timeout.aborted) throw tookTooLong(timeoutMs / 1_000)
      if (error instanceof AppError) throw error
      log.warn({ err: error, avee: context.avee.id }, 'a tool failed')
      throw toolFailed(error)
    }
  }

  function present(name: ToolName, tool: BuiltInTool): AveeTool {
    const { description, input, scope = 'other', needsApproval = () => false } = tool
    const { $schema: _schema, ...parameters } = z.toJSONSchema(input, { io: 'input' }) as JsonSchema
    return {
      scope,
      described: { name, description, parameters },
      prepare(given, context) {
        const parsed = input.safeParse(given)
        if (!parsed.success) throw badArguments(describeIssues(parsed.error))
        return {
          effect: needsApproval === 'always' ? 'stored' : 'none',
          needsApproval: needsApproval === 'always' || needsApproval(parsed.data, context),
          run: () => runTool(scope, (current) => tool.run(parsed.data, current), context),
        }
      },
    }
  }

  return {
    /** Lists the built-in tools. */
    list: (): Tool[] =>
      toolNames.flatMap((name) => {
        const tool = find(name)
        if (!tool) return []
        const { title, description, needsApproval = 'never' } = tool
        const asks = typeof needsApproval === 'function' ? 'sometimes' : needsApproval
        return { name, title, description, needs_approval: asks }
      }),

    /** Selects the tools that the owner of an avee has added, for `ofAvee`. */
    selectCustom: custom.selectOffered,

    /** Returns the tools that an avee may use: its built-in ones, and those of its owner. */
    ofAvee: (avee: Pick<Avee, 'tools'>, customRows: OfferedToolRow[]): AveeTool[] => [
      ...avee.tools.flatMap((name) => {
        const tool = find(name)
        return tool ? [present(name, tool)] : []
      }),
      ...custom.toTools(customRows, (run, context) => runTool('external', run, context)),
    ],

    /** Manages the tools that owners add. */
    custom,

    [Symbol.asyncDispose]: custom[Symbol.asyncDispose],
  }
}

export type Tools = ReturnType<typeof tools>

const describeIssues = ({ issues }: z.ZodError) =>
  issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; ')

function timeIn(date: Date, timeZone: string): string {
  try {
    return `${date.toLocaleString('en-GB', { timeZone, dateStyle: 'full', timeStyle: 'short' })} (${timeZone})`
  } catch {
    throw unknownTimeZone(timeZone)
  }
}
