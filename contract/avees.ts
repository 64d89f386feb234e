import { z } from 'zod'
import { handle } from './accounts.ts'
import { id, pageOf, time } from './common.ts'
import { layer } from './layers.ts'

/** public: listed for everyone; unlisted: found by its handle only; private: only the owner and those with a grant. */
export const visibility = z.enum(['public', 'unlisted', 'private'])
export type Visibility = z.infer<typeof visibility>

const displayName = z.string().trim().min(1).max(100)
const bio = z.string().max(500)
const persona = z.string().max(40_000)
const greeting = z.string().max(2_000)
/** Never an address elsewhere: it would be fetched by everybody who looks. */
const avatar = z
  .string()
  .max(400_000)
  .regex(
    /^(?:data:image\/(?:png|jpeg|gif|webp|avif);base64,[\w+/]+=*|[^:/<>&"']{1,16})$/,
    'An avatar is a picture as a data: URL (PNG, JPEG, GIF, WebP, AVIF), or an emoji.',
  )
  .describe('A data: URL of a picture, or an emoji.')
const modelName = z.string().min(1).max(200)

export const avee = z
  .object({
    id,
    handle: z.string(),
    display_name: z.string(),
    bio: z.string(),
    greeting: z.string(),
    avatar: z.string().nullable(),
    visibility,
    is_library: z.boolean().describe('True for the caller’s own document library, handle `local`.'),
    is_owner: z.boolean(),
    my_layer: layer.describe('How far the caller may see.'),
    is_following: z.boolean(),
    followers: z.number().int(),
    model: z.string().nullable(),
    persona: z.string().optional().describe('Only for the owner.'),
    persona_notes: z
      .string()
      .optional()
      .describe(
        'Only for the owner: what the avee has learned of how to speak, from what its owner says with a thumb.',
      ),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Avee' })
export type Avee = z.infer<typeof avee>

export const newAveeBody = z.object({
  handle,
  display_name: displayName,
  bio: bio.optional(),
  persona: persona.optional(),
  greeting: greeting.optional(),
  avatar: avatar.optional(),
  visibility: visibility.optional().describe('public unless said otherwise'),
  model: modelName.optional(),
})
export const patchAveeBody = z.object({
  handle: handle.optional(),
  display_name: displayName.optional(),
  bio: bio.optional(),
  persona: persona.optional(),
  persona_notes: persona.optional(),
  greeting: greeting.optional(),
  avatar: avatar.nullable().optional(),
  visibility: visibility.optional(),
  model: modelName.nullable().optional(),
})
export const aveePage = pageOf('avees', avee)
export const aveeList = z.object({ avees: z.array(avee) })

export const grant = z.object({
  user_id: id,
  handle: z.string().nullable(),
  display_name: z.string(),
  max_layer: layer,
  is_follower: z.boolean(),
})
export const grantList = z.object({ permissions: z.array(grant) })
export const putGrantBody = z.object({ max_layer: layer })

/** An avee in a path. */
export const aveeParams = z.object({ id: z.string().max(100).describe('Id or handle.') })
