/** Ollama's full name of a model: without a tag it means `latest`. */
export function withTag(name: string): string {
  const lastPart = name.slice(name.lastIndexOf('/') + 1)
  return lastPart.includes(':') ? name : `${name}:latest`
}

/** The same model under both names? Ollama does not tell upper from lower case. */
export const isSameModel = (a: string, b: string): boolean =>
  withTag(a).toLowerCase() === withTag(b).toLowerCase()

/** A name without the `latest` that says nothing. */
export const shortName = (name: string): string => name.replace(/:latest$/, '')

/** The provider that a prefix forces, and the name behind it. */
export function parseProvider(name: string): { provider: 'ollama' | 'openai' | undefined; name: string } {
  for (const provider of ['ollama', 'openai'] as const)
    if (name.startsWith(`${provider}/`)) return { provider, name: name.slice(provider.length + 1) }
  return { provider: undefined, name }
}

/** Where a service does not say what its models can do, their names have to. */
export const looksLikeEmbeddingModel = (name: string): boolean =>
  /embed|minilm|(?:^|[/_-])(?:bge|e5|gte)(?:[-_:]|$)/i.test(name)

const neither =
  /whisper|tts|transcri|dall-?e|image|moderation|rerank|realtime|audio|sora|(?:^|[/-])(?:babbage|davinci)|stable-diffusion|flux/i
export const looksLikeChatModel = (name: string): boolean =>
  !looksLikeEmbeddingModel(name) && !neither.test(name)
