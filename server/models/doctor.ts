import { toAppError } from '../errors.ts'
import type { ProviderModel } from './providers/protocol.ts'
import type { Provider } from './providers/provider.ts'
import { estimateTokens } from './tokens.ts'

export type ProviderDiagnosis = {
  provider: string
  kind: string
  remote: boolean
  models: number
  /** The duration of the request for the list of models. */
  latencyMs: number
  /** The problem and how to solve it; null without a problem. */
  problem: string | null
  /** One short answer of a chat model. The rate is measured after the first token; null if there is only one. */
  answer: { model: string; firstTokenMs: number; tokensPerSecond: number | null } | null
}

const question = 'Count from one to twenty in words.'
const maxTokens = 100

/** Checks a provider: lists its models and, with `ask`, asks one of them, `preferred` if it is listed. */
export async function diagnoseProvider(
  provider: Provider,
  { ask, preferred }: { ask: boolean; preferred?: string | undefined },
  signal: AbortSignal,
): Promise<ProviderDiagnosis> {
  const { name, kind, remote } = provider
  const startedAt = performance.now()
  const state = await provider.refresh()
  const latencyMs = Math.round(performance.now() - startedAt)
  const listed = state.isUp ? (state.value ?? []) : []
  const found = { provider: name, kind, remote, models: listed.length, latencyMs, answer: null }
  if (!state.isUp) return { ...found, problem: toAppError(state.error).message }
  if (!ask) return { ...found, problem: null }
  const embeddingProblem = kind === 'in_process' ? await findEmbeddingProblem(provider, listed, signal) : null
  if (embeddingProblem !== null) return { ...found, problem: embeddingProblem }
  const chats = listed.filter(({ capabilities }) => capabilities.includes('chat'))
  const model =
    (preferred === undefined ? undefined : await provider.find(preferred, false)) ??
    chats.find(({ installed }) => installed?.loaded) ??
    chats[0]
  if (!model && kind === 'in_process')
    return { ...found, problem: listed.find(({ problem }) => problem)?.problem?.message ?? null }
  if (!model)
    return {
      ...found,
      problem:
        kind === 'ollama'
          ? 'No chat model is installed. Pull one, for example llama3.2:1b.'
          : 'It lists no chat model. Enter the models of the provider.',
    }
  try {
    return { ...found, problem: null, answer: await measure(provider, model.name, signal) }
  } catch (thrown) {
    signal.throwIfAborted()
    return { ...found, problem: `${model.name}: ${toAppError(thrown).message}` }
  }
}

/** Embeds a word with each model, for a provider that has only embedding models. Returns the first problem. */
async function findEmbeddingProblem(
  provider: Provider,
  listed: ProviderModel[],
  signal: AbortSignal,
): Promise<string | null> {
  for (const model of listed)
    try {
      if (model.capabilities.includes('embed'))
        await provider.embed?.(model.name, model, 0).batch(['test'], signal)
    } catch (thrown) {
      signal.throwIfAborted()
      return toAppError(thrown).message
    }
  return null
}

async function measure(provider: Provider, name: string, signal: AbortSignal) {
  const model = provider.chat(name, await provider.find(name, false))
  const startedAt = performance.now()
  let firstAt: number | undefined
  let text = ''
  let counted: number | null = null
  const request = {
    messages: [{ role: 'user' as const, content: question }],
    maxTokens,
    grounding: { question, passages: [], answerable: null },
  }
  for await (const part of model.stream(request, signal)) {
    if (part.type === 'text' || part.type === 'thinking') {
      firstAt ??= performance.now()
      text += part.text
    } else if (part.type === 'finish') counted = part.usage.completionTokens
  }
  const endedAt = performance.now()
  const tokens = counted ?? estimateTokens(text)
  const seconds = (endedAt - (firstAt ?? endedAt)) / 1_000
  return {
    model: name,
    firstTokenMs: Math.round((firstAt ?? endedAt) - startedAt),
    tokensPerSecond: tokens > 1 && seconds > 0 ? Math.round(((tokens - 1) / seconds) * 10) / 10 : null,
  }
}
