import type { Layer } from '../../../contract/layers.ts'
import type { MemoryType } from '../../../contract/memory.ts'
import type { Slot } from './slots.ts'

/** A statement of a message about its author, before consolidation. */
export type Statement = Slot & {
  type: MemoryType
  content: string
  /** ended: is no longer true. denied: is not true. */
  status: 'current' | 'ended' | 'denied'
  /** ISO 639-3; null when unknown. */
  language: string | null
  confidence: number
  importance: number
  validFrom: Date | null
  validUntil: Date | null
  messageId: string
  /** The quoted words, in UTF-16 code units of the message. */
  start: number
  end: number
  layer: Layer
  statedAt: Date
  /** The known memory that the statement refers to, as judged by a language model. */
  reference?: { relation: 'same' | 'replaces' | 'ends'; memoryId: string }
}

/** A request to forget the memories that contain all words of `content`. */
export type ForgetRequest = {
  content: string
  language: string
  messageId: string
  start: number
  end: number
  statedAt: Date
}
