import * as z from 'zod/mini'
import { handle } from './accounts.ts'
import {
  aveeParams,
  component,
  describe,
  id,
  ok,
  pageOf,
  pageQuery,
  shortText,
  text,
  timestamp,
} from './common.ts'
import { deleted } from './deletions.ts'
import { layer } from './layers.ts'
import { content, operation } from './operation.ts'
import { toolName, toolNames } from './tools.ts'

export const visibility = describe(
  z.enum(['public', 'unlisted', 'private']),
  'public: listed for everyone; unlisted: found by handle only; private: only the owner and users with a permission.',
)
export type Visibility = z.infer<typeof visibility>

export const shownAvatar = describe(
  z.nullable(z.string()),
  'An emoji, or the path of an image on this server (`GET /avees/{id}/avatar`).',
)

/** Never a URL of another server: every viewer would fetch it. */
const newAvatar = describe(
  z
    .string()
    .check(
      z.maxLength(400_000),
      z.regex(
        /^(?:data:image\/(?:png|jpeg|gif|webp|avif);base64,[\w+/]+=*|[^:/<>&"']{1,16})$/,
        'An avatar is an emoji or a data: URL of a PNG, JPEG, GIF, WebP or AVIF image.',
      ),
    ),
  'An emoji or a data: URL of an image.',
)

const embedOrigins = describe(
  z
    .array(
      z
        .string()
        .check(
          z.toLowerCase(),
          z.maxLength(200),
          z.regex(
            /^https?:\/\/[a-z\d](?:[a-z\d.-]{0,180}[a-z\d])?(?::\d{1,5})?$/,
            'Enter the origin of a website, such as https://www.example.com, without a path.',
          ),
        ),
    )
    .check(z.maxLength(20)),
  'Origins of websites that may show it in a frame (`/embed.js`) while it is public and open to visitors.',
)

export const avee = component(
  'Avee',
  z.object({
    id,
    handle: z.string(),
    display_name: z.string(),
    bio: z.string(),
    greeting: z.string(),
    avatar: shownAvatar,
    visibility,
    is_library: describe(z.boolean(), 'True for the document library of the caller, handle `local`.'),
    is_owner: z.boolean(),
    my_layer: describe(layer, 'The access layer of the caller.'),
    is_following: z.boolean(),
    followers: z.int(),
    model: z.nullable(z.string()),
    anonymous: describe(z.boolean(), 'Whether visitors without an account may use it while it is public.'),
    example_questions: z.array(z.string()),
    local_only: describe(
      z.boolean(),
      'If true, nothing from it is sent to a model outside the private network.',
    ),
    embed_origins: z.optional(describe(embedOrigins, 'Only for the owner.')),
    tools: describe(z.array(toolName), 'The tools that it may use while it answers.'),
    persona: z.optional(describe(z.string(), 'Only for the owner.')),
    example_dialogue: z.optional(describe(z.string(), 'Only for the owner.')),
    persona_notes: z.optional(
      describe(z.string(), 'Only for the owner: style notes derived from the owner’s feedback on answers.'),
    ),
    created_at: timestamp,
    updated_at: timestamp,
  }),
)
export type Avee = z.infer<typeof avee>

const persona = shortText(40_000)
export const exampleDialogue = describe(
  shortText(20_000),
  'Sample replies that set the tone of the answers. Truncated if the context window is too small.',
)
/** The members that the owner can set. */
const settings = {
  handle,
  display_name: text(100),
  bio: shortText(500),
  persona,
  example_dialogue: exampleDialogue,
  greeting: shortText(2_000),
  avatar: newAvatar,
  visibility,
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  anonymous: z.boolean(),
  example_questions: z.array(text(300)).check(z.maxLength(8)),
  local_only: z.boolean(),
  embed_origins: embedOrigins,
  tools: z.array(toolName).check(z.maxLength(toolNames.length)),
}
const { handle: _handle, display_name: _displayName, ...optionalSettings } = settings

const tags = ['avees'] as const

export const createAvee = operation({
  method: 'POST',
  path: '/avees',
  tags,
  summary: 'Create an avee',
  audit: 'avee.create',
  description:
    'An avee is an AI persona with its own character, documents and memory. `visibility` is `public` by default.',
  body: z.extend(z.partial(z.object(optionalSettings)), {
    handle: settings.handle,
    display_name: settings.display_name,
  }),
  responses: { 201: avee },
})

export const listAvees = operation({
  method: 'GET',
  path: '/avees',
  tags,
  summary: 'List public avees',
  description: 'Newest first. `query` searches handles, names and descriptions.',
  query: pageQuery,
  responses: { 200: pageOf('avees', avee) },
})

export const listMyAvees = operation({
  method: 'GET',
  path: '/me/avees',
  tags,
  summary: 'List the avees of the caller',
  query: z.object({
    followed: describe(
      z._default(z.stringbool(), false),
      'Lists the avees that the caller follows instead of their own.',
    ),
  }),
  responses: { 200: z.object({ avees: z.array(avee) }) },
})

export const getAvee = operation({
  method: 'GET',
  path: '/avees/:id',
  tags,
  summary: 'Get an avee',
  access: 'visitor',
  params: aveeParams,
  responses: { 200: avee },
})

export const getAvatar = operation({
  method: 'GET',
  path: '/avees/:id/avatar',
  tags,
  summary: 'Get the image of an avee',
  access: 'public',
  description:
    'Without an account, only for public avees. The member `avatar` of an avee has the path of the image. It may be cached: a new image has a new path.',
  params: aveeParams,
  query: z.object({ v: z.optional(describe(z.string(), 'The version of the image.')) }),
  responses: { 200: content({ 'image/*': z.unknown() }) },
})

export const getProfile = operation({
  method: 'GET',
  path: '/avees/:id/profile',
  tags,
  summary: 'Get the name and picture of a public avee',
  description: 'For the sign-in screen; needs no account. Returns 404 for other avees.',
  access: 'public',
  params: aveeParams,
  responses: {
    200: z.object({
      handle: z.string(),
      display_name: z.string(),
      avatar: describe(z.nullable(z.string()), 'An emoji or a data: URL of an image.'),
      anonymous: describe(
        z.boolean(),
        'Whether it can be asked without an account (`POST /avees/{id}/visits`).',
      ),
    }),
  },
})

export const startVisit = operation({
  method: 'POST',
  path: '/avees/:id/visits',
  tags,
  summary: 'Visit an avee without an account',
  description:
    'For a public avee whose owner allows it (`anonymous`). The token is sent as the header `X-Visitor`; pages of the server get a cookie too. Visitors read and ask at the public layer. Nothing is remembered about them, and their conversations are deleted when the token expires, unless they sign in and keep them (`POST /me/visit`).',
  access: 'public',
  params: aveeParams,
  responses: { 201: z.object({ token: z.string(), expires_at: timestamp }) },
})

/** The path in the member `avatar`; sending it back keeps the image. */
const avatarPath = z.string().check(z.regex(/^\/avees\/[\w-]+\/avatar\?v=\w+$/))

export const updateAvee = operation({
  method: 'PATCH',
  path: '/avees/:id',
  tags,
  summary: 'Update an avee',
  audit: 'avee.update',
  params: aveeParams,
  body: z.extend(z.partial(z.object(settings)), {
    persona_notes: z.optional(persona),
    avatar: z.optional(z.nullable(z.union([settings.avatar, avatarPath]))),
    model: z.optional(z.nullable(settings.model)),
  }),
  responses: { 200: avee },
})

export const deleteAvee = operation({
  method: 'DELETE',
  path: '/avees/:id',
  tags,
  summary: 'Delete an avee',
  audit: 'avee.delete',
  description: 'Deletes its documents, conversations, memories and permissions too.',
  params: aveeParams,
  responses: { 200: deleted },
})

export const followAvee = operation({
  method: 'PUT',
  path: '/avees/:id/follow',
  tags,
  summary: 'Follow an avee',
  params: aveeParams,
  responses: { 200: ok },
})

export const unfollowAvee = operation({
  method: 'DELETE',
  path: '/avees/:id/follow',
  tags,
  summary: 'Unfollow an avee',
  params: aveeParams,
  responses: { 200: ok },
})

export const permission = component(
  'Permission',
  z.object({
    user_id: id,
    handle: z.nullable(z.string()),
    display_name: z.string(),
    max_layer: layer,
    is_follower: z.boolean(),
  }),
)
export type Permission = z.infer<typeof permission>

const permissionParams = z.extend(aveeParams, {
  user_id: describe(shortText(100), 'Id or handle of a user.'),
})

export const listPermissions = operation({
  method: 'GET',
  path: '/avees/:id/permissions',
  tags,
  summary: 'List the users with a permission',
  params: aveeParams,
  responses: { 200: z.object({ permissions: z.array(permission) }) },
})

export const setPermission = operation({
  method: 'PUT',
  path: '/avees/:id/permissions/:user_id',
  tags,
  summary: 'Grant a user access up to a layer',
  audit: 'permission.set',
  description: 'Takes effect from the user’s next message.',
  params: permissionParams,
  body: z.object({ max_layer: layer }),
  responses: { 200: permission },
})

export const deletePermission = operation({
  method: 'DELETE',
  path: '/avees/:id/permissions/:user_id',
  tags,
  summary: 'Revoke a permission',
  audit: 'permission.delete',
  description: 'Takes effect from the user’s next message.',
  params: permissionParams,
  responses: { 200: ok },
})
