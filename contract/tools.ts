import * as z from 'zod/mini'
import { component, describe } from './common.ts'

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
