import * as z from 'zod/mini'
import { aveeParams, component, describe, id, ok, shortText, timestamp } from './common.ts'
import { headers } from './models.ts'
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
      describe(z.iso.datetime(), 'The time at which a call without approval counts as refused.'),
    ),
    result: z.optional(
      z.object({
        text: describe(z.string(), 'The result of the call, or why it failed.'),
        citations: z.optional(
          describe(z.array(z.int()), 'The numbers of the citations that the model received.'),
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
      'Whether a call needs the approval of the user. sometimes: depending on the arguments.',
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
    'Only for the user who asked. Without a decision within 10 minutes the call is refused. 409: the call is no longer waiting.',
  params: z.object({ id: z.string(), call_id: shortText(100) }),
  body: z.object({ approve: z.boolean() }),
  responses: { 200: ok },
})

export const toolKinds = ['openapi', 'mcp', 'mcp_stdio'] as const
export type ToolKind = (typeof toolKinds)[number]

const customToolName = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$/,
      'Use up to 40 letters, digits, spaces, hyphens and underscores.',
    ),
  )
const url = z.url({ protocol: /^https?$/ }).check(z.maxLength(2_000))
const operations = describe(
  z.array(shortText(200)).check(z.minLength(1), z.maxLength(100)),
  'The names of the functions to offer; all of them by default.',
)
const enabled = describe(z.boolean(), 'Whether the avee can use the tool.')
const shared = describe(
  z.boolean(),
  'Whether everybody who may ask the avee can use the tool, not only its owner. Its functions may then receive words of their questions, and they approve calls that make changes.',
)

export const customTool = component(
  'CustomTool',
  z.object({
    id,
    avee_id: id,
    kind: z.enum(toolKinds),
    name: z.string(),
    url: z.nullable(z.string()),
    command: z.nullable(z.string()),
    args: z.array(z.string()),
    header_names: describe(z.array(z.string()), 'Their values are stored encrypted and never returned.'),
    enabled,
    shared,
    functions: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        needs_approval: describe(z.boolean(), 'Whether a call needs the approval of the user.'),
        selected: z.boolean(),
      }),
    ),
    last_error: describe(
      z.nullable(z.string()),
      'Why the functions could not be listed at the last attempt.',
    ),
    created_at: timestamp,
  }),
)
export type CustomTool = z.infer<typeof customTool>

const customToolParams = z.extend(aveeParams, { tool_id: id })

export const listCustomTools = operation({
  method: 'GET',
  path: '/avees/:id/tools',
  tags,
  summary: 'List the tools that the owner has added to an avee',
  description: 'Only for the owner. The member `tools` of the avee lists the built-in ones.',
  params: aveeParams,
  responses: { 200: z.object({ tools: z.array(customTool) }) },
})

export const addTool = operation({
  method: 'POST',
  path: '/avees/:id/tools',
  tags,
  summary: 'Add a tool to an avee',
  audit: 'tool.create',
  description:
    '`openapi`: the operations of an OpenAPI 3 description in JSON or YAML, from `url` or given as `spec`. `mcp`: a server of the Model Context Protocol (Streamable HTTP). `mcp_stdio`: a program on the server, for administrators. Addresses must be public or listed in `TOOL_ALLOWED_HOSTS`. Operations other than GET, and MCP tools without `readOnlyHint`, need the approval of the user.',
  params: aveeParams,
  body: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('openapi'),
      name: customToolName,
      url: z.optional(url),
      spec: z.optional(
        describe(
          z.union([z.record(z.string(), z.unknown()), shortText(1_000_000)]),
          'The description as an object, or as text in JSON or YAML.',
        ),
      ),
      headers: z.optional(headers),
      operations: z.optional(operations),
      shared: z.optional(shared),
    }),
    z.object({
      kind: z.literal('mcp'),
      name: customToolName,
      url,
      headers: z.optional(headers),
      operations: z.optional(operations),
      shared: z.optional(shared),
    }),
    z.object({
      kind: z.literal('mcp_stdio'),
      name: customToolName,
      command: shortText(1_000).check(z.minLength(1)),
      args: z._default(z.array(shortText(2_000)).check(z.maxLength(50)), []),
      operations: z.optional(operations),
      shared: z.optional(shared),
    }),
  ]),
  responses: { 201: customTool },
})

export const updateTool = operation({
  method: 'PATCH',
  path: '/avees/:id/tools/:tool_id',
  tags,
  summary: 'Change a tool of an avee',
  audit: 'tool.update',
  description:
    'A new `url` requires `headers` again if the tool has any, so that they are not sent to another address.',
  params: customToolParams,
  body: z.partial(
    z.object({ name: customToolName, url, headers, operations: z.nullable(operations), enabled, shared }),
  ),
  responses: { 200: customTool },
})

export const testTool = operation({
  method: 'POST',
  path: '/avees/:id/tools/:tool_id/test',
  tags,
  summary: 'Test a tool of an avee',
  description: 'Reads the description of its functions again and stores it.',
  params: customToolParams,
  responses: {
    200: z.object({ ok: z.boolean(), error: z.optional(z.string()), latency_ms: z.int(), tool: customTool }),
  },
})

export const deleteTool = operation({
  method: 'DELETE',
  path: '/avees/:id/tools/:tool_id',
  tags,
  summary: 'Remove a tool of an avee',
  audit: 'tool.delete',
  params: customToolParams,
  responses: { 200: ok },
})
