import { z } from 'zod'
import { id, pageOf, pageQuery, time } from './common.ts'
import { layer } from './layers.ts'

export const memoryTypes = ['fact', 'preference', 'relationship', 'event'] as const
export const memoryType = z.enum(memoryTypes)
export type MemoryType = z.infer<typeof memoryType>

const content = z.string().trim().min(1).max(500)
const aveeIdOrHandle = z.string().max(100).describe('Id or handle of an avee.')
const flag = z.union([z.boolean(), z.stringbool()])

/** What an avee remembers of the person it talks with: theirs alone, the avee’s owner does not see it. */
export const memory = z
  .object({
    id,
    avee_id: id,
    type: memoryType,
    content: z.string(),
    confidence: z.number().min(0).max(1),
    importance: z.number().min(0).max(1),
    source_message_id: id
      .nullable()
      .describe('The message it was last learned from; null when written by hand.'),
    conversation_id: id.nullable(),
    source: z
      .object({ start: z.number().int(), end: z.number().int() })
      .nullable()
      .describe('Where in that message, in UTF-16 units.'),
    layer: layer.describe('It is not recalled where the person sees less than this.'),
    local_only: z.boolean().describe('Never sent to a model service on another machine.'),
    pinned: z.boolean().describe('Recalled always.'),
    edited: z.boolean().describe('Written or changed by the person.'),
    valid_from: time.nullable().describe('Since when it is true; of an event, when it is.'),
    valid_until: time.nullable().describe('Since when it is true no more; null while it is.'),
    superseded_by: id.nullable().describe('The memory that took its place.'),
    confirmations: z.number().int().describe('How often it was said.'),
    last_confirmed_at: time,
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Memory' })
export type Memory = z.infer<typeof memory>

export const memoryPage = pageOf('memories', memory).extend({ total: z.number().int() })
export const memoryQuery = pageQuery.extend({
  avee: aveeIdOrHandle.optional(),
  type: memoryType.optional(),
  include_past: z.stringbool().optional().describe('Also what is true no more.'),
})

/** GET /chat/{conversation_id}/memories */
export const conversationMemories = z.object({
  avee_id: id,
  memories: z.array(memory),
  total: z.number().int(),
})

export const newMemoryBody = z.object({
  avee: aveeIdOrHandle,
  content,
  type: memoryType.default('fact'),
  local_only: z.boolean().default(false),
})
export const patchMemoryBody = z.object({
  content: content.optional(),
  type: memoryType.optional(),
  pinned: z.boolean().optional(),
  local_only: z.boolean().optional(),
})

export const forgetQuery = z.object({ avee: aveeIdOrHandle })
export const forgotten = z.object({
  ok: z.literal(true),
  forgotten: z.number().int(),
  restorable_until: time.describe('Until then POST /memories/{id}/restore brings each back.'),
})

export const memoryExportQuery = z.object({ avee: aveeIdOrHandle.optional() })
export const memoryExport = z.object({ exported_at: time, memories: z.array(memory) })

/** Whether avees remember the caller: altogether, and one by one. */
export const memorySettings = z.object({
  enabled: z.boolean(),
  rule_languages: z
    .array(z.string())
    .describe('ISO 639-3 codes of the languages in which something is learned where no language model is.'),
  avees: z.array(
    z.object({
      avee_id: id,
      handle: z.string().nullable(),
      display_name: z.string().nullable().describe('Null when the avee is not the caller’s to see any more.'),
      enabled: z.boolean(),
      memories: z.number().int(),
    }),
  ),
})
export type MemorySettings = z.infer<typeof memorySettings>
export const putMemorySettingsBody = z.object({
  enabled: flag,
  avee: aveeIdOrHandle.optional().describe('Left out: for all.'),
  forget: flag.default(false).describe('Also forget what is remembered so far.'),
})

/** What an answer was given of the memories, in brief. */
export const usedMemory = z.object({ id, type: memoryType, content: z.string() }).meta({ id: 'UsedMemory' })
export type UsedMemory = z.infer<typeof usedMemory>
