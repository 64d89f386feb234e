import * as z from 'zod/mini'
import { component, describe, ok, shortText } from './common.ts'
import { operation } from './operation.ts'

export const toolNames = [
  'search_documents',
  'read_page',
  'recall',
  'remember',
  'current_time',
  'calculate',
  'fetch_page',
  'search_web',
] as const
export const toolName = z.enum(toolNames)
export type ToolName = z.infer<typeof toolName>

/** A call of a tool in an answer. Its result has no words of documents or memories. */
export const toolCall = component(
  'ToolCall',
  z.object({
    call_id: z.string(),
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    status: describe(
      z.enum(['running', 'needs_approval', 'done', 'failed']),
      'needs_approval: the call waits for `POST /runs/{id}/tools/{call_id}`.',
    ),
    expires_at: z.optional(
      describe(z.iso.datetime(), 'When a call that waits for an approval counts as refused.'),
    ),
    result: z.optional(
      z.object({
        text: describe(z.string(), 'What the call found or did, or why it failed.'),
        citations: z.optional(
          describe(z.array(z.int()), 'The numbers of the citations that the model was given.'),
        ),
      }),
    ),
  }),
)
export type ToolCall = z.infer<typeof toolCall>

/** Returns the latest state of each call, in the order of the calls. */
export const latestCalls = (states: ToolCall[]): ToolCall[] => [
  ...new Map(states.map((call) => [call.call_id, call])).values(),
]

const tags = ['tools'] as const

export const tool = component(
  'Tool',
  z.object({
    name: toolName,
    title: z.string(),
    description: z.string(),
    needs_approval: describe(
      z.enum(['never', 'sometimes', 'always']),
      'Whether a call asks the person first. sometimes: depending on the arguments.',
    ),
  }),
)
export type Tool = z.infer<typeof tool>

export const listTools = operation({
  method: 'GET',
  path: '/tools',
  tags,
  summary: 'List the tools that avees can use on this server',
  description:
    'The owner of an avee selects its tools in the member `tools` of the avee. They are used if the model supports tool calls.',
  responses: { 200: z.object({ tools: z.array(tool) }) },
})

export const approveToolCall = operation({
  method: 'POST',
  path: '/runs/:id/tools/:call_id',
  tags,
  summary: 'Approve or refuse a tool call',
  scope: 'chat',
  description:
    'Only for the person who asked. The call waits for 10 minutes; without an answer it counts as refused. 409: it no longer waits.',
  params: z.object({ id: z.string(), call_id: shortText(100) }),
  body: z.object({ approve: z.boolean() }),
  responses: { 200: ok },
})
