import type { Capability } from './port.ts'

/** Returns Ollama's full name of a model; the default tag is `latest`. */
export function withTag(name: string): string {
  const lastPart = name.slice(name.lastIndexOf('/') + 1)
  return lastPart.includes(':') ? name : `${name}:latest`
}

/** Whether two names refer to the same model; ignores case, as Ollama does. */
export const isSameModel = (a: string, b: string): boolean =>
  withTag(a).toLowerCase() === withTag(b).toLowerCase()

/** Removes the default tag. */
export const shortName = (name: string): string => name.replace(/:latest$/, '')

/** Splits a name at its first slash; `provider` is undefined without one. */
export function splitId(id: string): { provider: string | undefined; name: string } {
  const at = id.indexOf('/')
  return at < 0 ? { provider: undefined, name: id } : { provider: id.slice(0, at), name: id.slice(at + 1) }
}

/** Guesses from the name, for services that do not report capabilities. */
export const looksLikeEmbeddingModel = (name: string): boolean =>
  /embed|minilm|(?:^|[/_-])(?:bge|e5|gte)(?:[-_:]|$)/i.test(name) && !looksLikeReranker(name)

export const looksLikeReranker = (name: string): boolean => /rerank|cross-?encoder/i.test(name)

const otherModel =
  /whisper|tts|transcri|dall-?e|image|moderation|realtime|audio|sora|(?:^|[/-])(?:babbage|davinci)|stable-diffusion|flux/i
export const looksLikeChatModel = (name: string): boolean =>
  !looksLikeEmbeddingModel(name) && !looksLikeReranker(name) && !otherModel.test(name)

/** Models that read images, from the providers' model pages. */
const visionModel =
  /gpt-(?:4o|4\.1|4-turbo|[5-9])|chatgpt|(?:^|\/)o[1-9](?!-mini)|claude|gemini|vision|(?:^|[-_/.\d])vl(?:[-_:.]|$)|llava|pixtral|gemma-?3|llama-?4|grok-(?:[4-9]|2-vision)|mistral-(?:small|medium|large)|molmo|internvl|minicpm-v|moondream/i

/** Guesses the capabilities of a model of a service that does not report them. The service rejects wrong guesses. */
export function guessCapabilities(name: string): Capability[] {
  if (looksLikeEmbeddingModel(name)) return ['embed']
  if (!looksLikeChatModel(name)) return []
  return ['chat', 'tools', 'json', ...(visionModel.test(name) ? (['vision'] as const) : [])]
}

const ollamaCapabilities: Record<string, Capability[]> = {
  completion: ['chat', 'json'],
  embedding: ['embed'],
  vision: ['vision'],
  tools: ['tools'],
  thinking: ['thinking'],
}
/** Translates the capabilities that Ollama reports. Its structured output is independent of the model. */
export const fromOllama = (reported: string[]): Capability[] =>
  reported.flatMap((name) => ollamaCapabilities[name] ?? [])
