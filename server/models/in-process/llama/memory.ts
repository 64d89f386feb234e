import { notEnoughMemory } from '../../errors.ts'
import type { GgufHeader } from './gguf.ts'

/** The default context window: enough for passages and a conversation. */
const defaultContextTokens = 8_192
/** The minimum: a question with passages does not fit into a smaller context window. */
const minContextTokens = 1_024
/** The number of tokens that llama.cpp evaluates together. */
export const batchTokens = 512
/** The memory of the process and of llama.cpp, without the logits of a batch. */
const baseBytes = 150 * 1_048_576

/**
 * Returns the context window in tokens of a model with enough memory: `limit` or 8,192, at most its maximum.
 */
export const maxContext = ({ contextLength }: GgufHeader, limit = defaultContextTokens): number =>
  Math.min(limit, contextLength)

/**
 * Returns the context window in tokens to load a model with: the maximum, halved until it fits into memory.
 * @throws not_enough_memory
 */
export function planContext(
  model: { id: string; size: number; header: GgufHeader },
  { limit, availableBytes }: { limit?: number | undefined; availableBytes: number },
): number {
  const { bytesPerToken, vocabularySize } = model.header
  const fixedBytes = model.size + baseBytes + batchTokens * vocabularySize * 4
  for (let tokens = maxContext(model.header, limit); ; tokens = Math.floor(tokens / 2)) {
    const bytes = fixedBytes + tokens * bytesPerToken
    if (bytes <= availableBytes) return tokens
    if (tokens / 2 < minContextTokens) throw notEnoughMemory(model.id, bytes, availableBytes)
  }
}
