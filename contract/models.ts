import { z } from 'zod'

/** What answers questions. `extractive` needs no model: it quotes the passages that retrieval finds. */
export const provider = z.enum(['ollama', 'openai', 'extractive'])
export type Provider = z.infer<typeof provider>

export const modelInfo = z
  .object({
    name: z.string(),
    provider,
    size: z.number().nullable().describe('Bytes on disk, for local models.'),
    modified_at: z.string().nullable(),
    digest: z.string().nullable(),
    capabilities: z.array(z.string()).describe('completion, embedding, vision, tools, thinking …'),
    context_length: z.number().int().nullable(),
    loaded: z.boolean(),
    active: z.boolean().describe('True for the model that answers unless another is asked for.'),
  })
  .meta({ id: 'Model' })
export type ModelInfo = z.infer<typeof modelInfo>

export const modelList = z.object({
  success: z.literal(true),
  models: z.array(modelInfo),
  message: z.string().nullable().describe('What is missing and how to get it, when something is.'),
})

/** Any form Ollama takes: llama3.2:1b, user/model, hf.co/org/model:tag. */
export const modelName = z
  .string()
  .trim()
  .min(1, 'Name a model, for example llama3.2:1b.')
  .max(200)
  .regex(/^[A-Za-z0-9][\w.-]*(?:\/[\w.-]+)*(?::[\w.-]+)?$/, 'That is not a model name.')
export const modelBody = z.object({ model: modelName })

export const activeModel = z.object({
  success: z.literal(true),
  model: z.string(),
  provider,
  reason: z.string().describe('Why this model answers.'),
})

/** How the chat model is chosen, in words for the page and for status. */
export const modelChoice = z.object({ model: z.string(), provider, reason: z.string() })
