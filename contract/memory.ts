import * as z from 'zod/mini'
import {
  aveeReference,
  component,
  describe,
  fraction,
  id,
  idParams,
  pageOf,
  pageQuery,
  text,
  timestamp,
} from './common.ts'
import { deleted, deletionQuery, restorableUntil, trashFilter } from './deletions.ts'
import { layer } from './layers.ts'
import { operation } from './operation.ts'

export const memoryTypes = ['fact', 'preference', 'relationship', 'event'] as const
export const memoryType = z.enum(memoryTypes)
export type MemoryType = z.infer<typeof memoryType>

const content = text(500)
const flag = z.union([z.boolean(), z.stringbool()])

/** A memory of an avee about a user, visible to that user only, not to the owner of the avee. */
export const memory = component(
  'Memory',
  z.object({
    id,
    avee_id: id,
    type: memoryType,
    content: z.string(),
    confidence: fraction,
    importance: fraction,
    source_message_id: describe(
      z.nullable(id),
      'The latest message it was extracted from; null if the user wrote it.',
    ),
    conversation_id: z.nullable(id),
    source: describe(
      z.nullable(z.object({ start: z.int(), end: z.int() })),
      'The quoted span in that message, in UTF-16 units.',
    ),
    layer: describe(layer, 'The memory is recalled only if the user has access to this layer.'),
    local_only: describe(z.boolean(), 'Never sent to a model service on another machine.'),
    pinned: describe(z.boolean(), 'Always recalled.'),
    edited: describe(z.boolean(), 'Written or changed by the user.'),
    valid_from: describe(z.nullable(timestamp), 'Start of validity; for an event, when it takes place.'),
    valid_until: describe(z.nullable(timestamp), 'End of validity; null while it is valid.'),
    superseded_by: describe(z.nullable(id), 'The memory that replaced it.'),
    confirmations: describe(z.int(), 'How often the user has stated it.'),
    last_confirmed_at: timestamp,
    created_at: timestamp,
    updated_at: timestamp,
    restorable_until: restorableUntil,
  }),
)
export type Memory = z.infer<typeof memory>

/** A memory that was part of a prompt. */
export const usedMemory = component('UsedMemory', z.object({ id, type: memoryType, content: z.string() }))
export type UsedMemory = z.infer<typeof usedMemory>

const tags = ['memories'] as const

export const listConversationMemories = operation({
  method: 'GET',
  path: '/chat/:id/memories',
  tags,
  summary: 'List what the avee of a conversation remembers about the caller',
  params: idParams,
  responses: { 200: z.object({ avee_id: id, memories: z.array(memory), total: z.int() }) },
})

export const listMemories = operation({
  method: 'GET',
  path: '/memories',
  tags,
  summary: 'List what avees remember about the caller',
  description: 'Pinned memories first, then the most recent.',
  query: z.extend(pageQuery, {
    avee: z.optional(aveeReference),
    type: z.optional(memoryType),
    include_past: z.optional(describe(z.stringbool(), 'Includes memories that are no longer valid.')),
    trash: trashFilter,
  }),
  responses: { 200: z.extend(pageOf('memories', memory), { total: z.int() }) },
})

export const createMemory = operation({
  method: 'POST',
  path: '/memories',
  tags,
  summary: 'Add a memory',
  scope: 'chat',
  body: z.object({
    avee: aveeReference,
    content,
    type: z._default(memoryType, 'fact'),
    local_only: z._default(z.boolean(), false),
  }),
  responses: { 201: memory },
})

export const updateMemory = operation({
  method: 'PATCH',
  path: '/memories/:id',
  tags,
  summary: 'Update a memory',
  params: idParams,
  body: z.object({
    content: z.optional(content),
    type: z.optional(memoryType),
    pinned: z.optional(z.boolean()),
    local_only: z.optional(z.boolean()),
  }),
  responses: { 200: memory },
})

const deletedMemories = z.extend(deleted, {
  ok: z.literal(true),
  forgotten: describe(z.int(), '`memories` of the receipt.'),
  restorable_until: describe(z.nullable(timestamp), '`restorable_until` of the receipt.'),
})

export const deleteMemory = operation({
  method: 'DELETE',
  path: '/memories/:id',
  tags,
  summary: 'Delete a memory',
  audit: 'memory.delete',
  description:
    'Takes effect at once. It is in the trash until the time in the receipt, unless `permanent` is true.',
  params: idParams,
  query: deletionQuery,
  responses: { 200: deletedMemories },
})

export const restoreMemory = operation({
  method: 'POST',
  path: '/memories/:id/restore',
  tags,
  summary: 'Restore a memory from the trash',
  params: idParams,
  responses: { 200: memory },
})

export const deleteMemories = operation({
  method: 'DELETE',
  path: '/memories',
  tags,
  summary: 'Delete everything an avee remembers about the caller',
  audit: 'memory.delete_all',
  query: z.extend(deletionQuery, { avee: aveeReference }),
  responses: { 200: deletedMemories },
})

export const exportMemories = operation({
  method: 'GET',
  path: '/memories/export',
  tags,
  summary: 'Export what avees remember about the caller',
  query: z.object({ avee: z.optional(aveeReference) }),
  responses: { 200: z.object({ exported_at: timestamp, memories: z.array(memory) }) },
})

/** Whether avees remember the caller: in general and for each avee. */
export const memorySettings = z.object({
  enabled: z.boolean(),
  rule_languages: describe(
    z.array(z.string()),
    'ISO 639-3 codes of the languages in which explicit statements are remembered without a language model.',
  ),
  avees: z.array(
    z.object({
      avee_id: id,
      handle: z.nullable(z.string()),
      display_name: describe(z.nullable(z.string()), 'Null if the caller no longer has access to the avee.'),
      enabled: z.boolean(),
      memories: z.int(),
    }),
  ),
})
export type MemorySettings = z.infer<typeof memorySettings>

export const getMemorySettings = operation({
  method: 'GET',
  path: '/memories/settings',
  tags,
  summary: 'Get the memory settings of the caller',
  responses: { 200: memorySettings },
})

export const updateMemorySettings = operation({
  method: 'PUT',
  path: '/memories/settings',
  tags,
  summary: 'Turn memory on or off for one avee or for all',
  audit: 'memory.update_settings',
  description:
    'While memory is off, nothing is extracted or recalled. Existing memories are kept unless `forget` is true.',
  body: z.object({
    enabled: flag,
    avee: z.optional(describe(aveeReference, 'All avees by default.')),
    forget: z._default(describe(flag, 'Also deletes existing memories.'), false),
  }),
  responses: { 200: memorySettings },
})
