import type { z } from 'zod'
import type { Layer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { CitedPassage } from '../../contract/messages.ts'
import type { Avee } from '../avees/index.ts'
import type { Trx } from '../db/index.ts'
import type { ConversationAttachments, Hit } from '../knowledge/index.ts'
import type { Tool as ModelTool } from '../models/index.ts'
import { unknownTool } from './errors.ts'

/** The answer that calls tools. */
export type ToolContext = {
  avee: Pick<Avee, 'id'>
  conversationId: string | undefined
  /** Whether the avee answers its owner. */
  isOwner: boolean
  /** The user whom the avee answers. */
  userId: string
  /** The user whose current access applies; differs from `userId` only when an owner tries an avee. */
  viewerId: string
  /** The highest layer of the avee that the user may see. */
  layer: Layer
  question: string
  /** The attachments of the conversation, which are searched like documents. */
  attachments: ConversationAttachments | undefined
  /** Whether memories that may not leave the private network are omitted. */
  excludesLocalOnly: boolean
  /** The numbered passages in the prompt. */
  citations: readonly CitedPassage[]
  /** Addresses that web searches have returned in this answer. */
  foundUrls: Set<string>
  signal: AbortSignal
}

export type ToolResult = {
  /** Text for the model besides the passages; untrusted. */
  text: string
  /** A summary for people, without words of documents or memories. */
  summary: string
  /** Passages for the model, best first, which become citations of the answer. */
  passages?: Hit[]
  memories?: UsedMemory[]
  /** Whether the text may not leave the private network. */
  localOnly?: boolean
  /** Makes the change in the transaction that records the call as done. A tool with it needs an approval. */
  store?: (trx: Trx) => Promise<void>
}

/** What a tool accesses: documents, external services, or neither. */
export type ToolScope = 'documents' | 'external' | 'other'

/** A call whose arguments are valid. */
export type PreparedCall = {
  needsApproval: boolean
  /** What the call changes: nothing, rows of the database, or something outside. */
  effect: 'none' | 'stored' | 'external'
  /** Runs the tool. @throws AppError with a sentence for the model; the signal's reason when it fires */
  run(): Promise<ToolResult>
}

/** A tool that an avee may use. */
export type AveeTool = {
  scope: ToolScope
  /** The tool as described to models. */
  described: ModelTool
  /** Validates a call. @throws AppError with a sentence for the model */
  prepare(input: unknown, context: ToolContext): PreparedCall
}

/** Validates a call of one of these tools. @throws AppError with a sentence for the model */
export function prepareCall(
  tools: readonly AveeTool[],
  name: string,
  input: unknown,
  context: ToolContext,
): PreparedCall {
  const tool = tools.find(({ described }) => described.name === name)
  if (!tool) throw unknownTool(name)
  return tool.prepare(input, context)
}

/** A built-in tool. The descriptions of the tool and its arguments are for the model, the title is for people. */
export type BuiltInTool = {
  title: string
  description: string
  scope?: ToolScope
  input: z.ZodType
  /** Whether a call needs the user's approval: always if the tool changes something; never by default. */
  needsApproval?: 'always' | ((input: unknown, context: ToolContext) => boolean)
  run(input: unknown, context: ToolContext): Promise<ToolResult>
}

/** Declares a tool, whose functions get arguments of its schema. */
export const builtInTool = <Input extends z.ZodType>(
  tool: Omit<BuiltInTool, 'needsApproval' | 'run'> & {
    input: Input
    needsApproval?: 'always' | ((input: z.output<Input>, context: ToolContext) => boolean)
    run(input: z.output<Input>, context: ToolContext): Promise<ToolResult>
  },
): BuiltInTool => tool as BuiltInTool
