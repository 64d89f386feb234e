import * as z from 'zod/mini'
import { aveeReference, component, describe, errorResponse, id, shortText, text } from './common.ts'
import { layer } from './layers.ts'
import { memoryType } from './memory.ts'
import { content, operation, type Scope } from './operation.ts'

/** A tool of the MCP server. `scope` is what an API key needs; tools with `read` change nothing. */
export type McpTool = {
  readonly title: string
  readonly description: string
  readonly scope: Scope
  readonly input: z.ZodMiniObject
  readonly output: z.ZodMiniObject
}

const passage = {
  document_id: id,
  title: z.string(),
  page: z.nullable(z.int()),
  passage: describe(z.int(), 'The number of the passage within its document.'),
  text: z.string(),
}
const memory = z.object({ id, type: memoryType, content: z.string() })

export const mcpTools = {
  list_avees: {
    title: 'List avees',
    description:
      'Lists the avees that you own or follow. An avee is an AI persona with its own character, documents and memory; `local` is your own library.',
    scope: 'read',
    input: z.object({}),
    output: z.object({
      avees: z.array(
        z.object({
          id,
          handle: z.string(),
          display_name: z.string(),
          bio: z.string(),
          is_owner: z.boolean(),
          layer: describe(layer, 'Your access layer.'),
        }),
      ),
    }),
  },
  search_documents: {
    title: 'Search documents',
    description: 'Finds the passages that match a query best, in the documents of one avee or of all.',
    scope: 'read',
    input: z.object({
      query: text(10_000),
      avee: z.optional(aveeReference),
      limit: z._default(z.int().check(z.minimum(1), z.maximum(50)), 10),
    }),
    output: z.object({
      passages: z.array(z.object({ ...passage, score: z.number(), layer, avee: z.string() })),
    }),
  },
  read_document: {
    title: 'Read a document',
    description:
      'Returns the text of a document by page, up to about 100,000 characters at a time. Continue with `next_page`.',
    scope: 'read',
    input: z.object({
      document_id: id,
      page: z.optional(describe(z.int().check(z.minimum(0)), 'The first page to return.')),
    }),
    output: z.object({
      document_id: id,
      title: z.string(),
      pages: z.array(z.object({ page: z.int(), text: z.string() })),
      next_page: describe(z.nullable(z.int()), 'Null at the end of the document.'),
    }),
  },
  ask_avee: {
    title: 'Ask an avee',
    description:
      'Asks an avee and waits for its answer, which cites documents. Pass the returned `conversation_id` to continue the conversation.',
    scope: 'chat',
    input: z.object({ avee: aveeReference, question: z.string(), conversation_id: z.optional(id) }),
    output: z.object({
      answer: z.string(),
      conversation_id: id,
      message_id: id,
      run_id: id,
      model: z.string(),
      layer_used: layer,
      citations: z.array(z.object({ n: describe(z.int(), 'The number in the answer: [1].'), ...passage })),
    }),
  },
  remember: {
    title: 'Remember something',
    description: 'Stores something that an avee should remember about you.',
    scope: 'chat',
    input: z.object({ avee: aveeReference, text: text(500) }),
    output: z.object({ memory }),
  },
  recall: {
    title: 'Recall memories',
    description:
      'Returns what an avee remembers about you: the best matches of a query, or the latest memories.',
    scope: 'read',
    input: z.object({ avee: aveeReference, query: z.optional(shortText(400)) }),
    output: z.object({ memories: z.array(memory) }),
  },
} as const satisfies Record<string, McpTool>

const jsonRpc = z.unknown().register(z.globalRegistry, {
  type: 'object',
  properties: { jsonrpc: { const: '2.0' }, method: { type: 'string' }, id: {}, params: { type: 'object' } },
  required: ['jsonrpc'],
})

/** An error of the MCP protocol, or one of HTTP before the protocol is reached. */
const errors = component(
  'McpError',
  z.union([
    z.object({
      jsonrpc: z.literal('2.0'),
      id: z.nullable(z.union([z.string(), z.number()])),
      error: z.object({ code: z.int(), message: z.string(), data: z.optional(z.unknown()) }),
    }),
    errorResponse,
  ]),
)

export const mcp = operation({
  method: 'POST',
  path: '/mcp',
  tags: ['mcp'],
  summary: 'Call the MCP server',
  description:
    'The Model Context Protocol over Streamable HTTP, without sessions. An API key needs the scope `read`, and `chat` for the tools `ask_avee` and `remember`. `X-Run-Id` names the run of an answer.',
  scope: 'read',
  body: jsonRpc,
  errors,
  responses: {
    200: content({ 'application/json': jsonRpc, 'text/event-stream': jsonRpc }),
    202: z.undefined().register(z.globalRegistry, { description: 'The notification was accepted.' }),
  },
})
