import * as z from 'zod/mini'
import { describe, shortText } from './common.ts'

// Shared by the protocols of OpenAI and Ollama.

/** The body contains the images. */
export const maxBodyBytes = 16 * 1024 * 1024

export const modelName = describe(
  shortText(300).check(z.minLength(1)),
  '`avee/<handle>` for an avee, `avee/local` for the caller’s library, or the name of a model.',
)

export const stop = z.union([z.string(), z.array(z.string()).check(z.maxLength(16))])

/** The tools of the client that a model may call. */
export const tools = z
  .array(
    z.object({
      type: z.literal('function'),
      function: z.object({
        name: z.string().check(z.minLength(1)),
        description: z.nullish(z.string()),
        parameters: z.nullish(z.record(z.string(), z.unknown())),
      }),
    }),
  )
  .check(z.maxLength(128))
