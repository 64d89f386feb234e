import type { Telemetry } from '../telemetry/index.ts'
import type { ChatModel } from './port.ts'

/** Wraps a model to measure its requests. */
export const measureModel = (chat: ChatModel, telemetry: Telemetry): ChatModel => ({
  ...chat,
  async *stream(request, signal) {
    const names = { provider: chat.provider, model: chat.name }
    const measured = telemetry.begin('model_request', { operation: 'chat', ...names })
    let tokens: Record<'promptTokens' | 'completionTokens', number | undefined> | undefined
    let error: unknown
    // A consumer that stops reading ends the generator at its yield.
    let outcome: string | undefined = 'stopped'
    try {
      for await (const part of chat.stream(request, signal)) {
        if (part.type === 'finish') {
          const { promptTokens, completionTokens } = part.usage
          tokens = {
            promptTokens: promptTokens ?? undefined,
            completionTokens: completionTokens ?? undefined,
          }
          outcome = undefined
        }
        yield part
      }
    } catch (thrown) {
      if (!signal.aborted) {
        error = thrown
        outcome = undefined
      }
      throw thrown
    } finally {
      measured.end({ ...tokens, ...(outcome && { outcome }) }, error)
      for (const [type, count = 0] of [
        ['prompt', tokens?.promptTokens],
        ['completion', tokens?.completionTokens],
      ] as const)
        telemetry.modelTokens.inc({ ...names, type }, count)
    }
  },
})
