import * as z from 'zod/mini'
import { user } from './accounts.ts'
import { describe, id, limitOf, ok, pageOf, pageQuery, shortText, timestamp } from './common.ts'
import { deleted } from './deletions.ts'
import { moment } from './moment.ts'
import { content, operation } from './operation.ts'
import { runStatus } from './runs.ts'

const tags = ['administration'] as const
const access = 'admin'

export const adminUser = z.extend(user, {
  disabled: z.boolean(),
  second_factor: describe(z.boolean(), 'Whether signing in needs a second factor.'),
  last_used_at: describe(z.nullable(timestamp), 'The last use of a session or an API key.'),
})
export type AdminUser = z.infer<typeof adminUser>

const userParams = z.object({ id: describe(shortText(300), 'Id, handle or e-mail address.') })

export const listUsers = operation({
  method: 'GET',
  path: '/admin/users',
  tags,
  summary: 'List all users',
  access,
  responses: { 200: z.object({ users: z.array(adminUser) }) },
})

export const updateUser = operation({
  method: 'PATCH',
  path: '/admin/users/:id',
  tags,
  summary: 'Change the rights of a user',
  description:
    'A disabled user cannot sign in; their sessions end and their API keys stop working. The last administrator keeps the role.',
  access,
  audit: 'user.update',
  params: userParams,
  body: z.object({ is_admin: z.optional(z.boolean()), disabled: z.optional(z.boolean()) }),
  responses: { 200: adminUser },
})

export const createPasswordReset = operation({
  method: 'POST',
  path: '/admin/users/:id/password-reset',
  tags,
  summary: 'Create a link with which a user sets a new password',
  description: 'The link works once, for 24 hours. The response is the only one that contains it.',
  access,
  audit: 'user.reset_password',
  params: userParams,
  responses: { 201: z.object({ url: z.string(), expires_at: timestamp }) },
})

export const removeFactors = operation({
  method: 'DELETE',
  path: '/admin/users/:id/factors',
  tags,
  summary: 'Remove the second factors of a user',
  description:
    'For users who have lost their second factors and recovery codes. They then sign in with the password only.',
  access,
  audit: 'user.remove_factors',
  params: userParams,
  responses: { 200: ok },
})

export const deleteUser = operation({
  method: 'DELETE',
  path: '/admin/users/:id',
  tags,
  summary: 'Delete a user and all their data',
  description: 'Cannot be undone.',
  access,
  audit: 'user.delete',
  params: userParams,
  responses: { 200: deleted },
})

export const usageEntry = z.object({
  user_id: id,
  email: z.nullable(z.string()),
  model: z.nullable(z.string()),
  questions: z.int(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  cost: describe(
    z.nullable(z.number()),
    'Calculated from the prices of the provider, in its currency; null if no price is known.',
  ),
})

export const getUsage = operation({
  method: 'GET',
  path: '/admin/usage',
  tags,
  summary: 'Get questions, tokens and cost by user and model, and storage by user',
  description: 'Answers to other software that are part of no conversation count for 30 days.',
  access,
  query: z.object({
    from: z.optional(describe(moment, 'A time, or a day (UTC). 30 days before the end by default.')),
    to: z.optional(
      describe(moment, 'A time, which is excluded, or a day (UTC), which is included. Now by default.'),
    ),
  }),
  responses: {
    200: z.object({
      from: timestamp,
      to: timestamp,
      usage: z.array(usageEntry),
      storage: describe(
        z.array(z.object({ user_id: id, email: z.nullable(z.string()), documents: z.int(), bytes: z.int() })),
        'Current documents.',
      ),
    }),
  },
})

export const listAllRuns = operation({
  method: 'GET',
  path: '/admin/runs',
  tags,
  summary: 'List the newest runs of all users',
  access,
  query: z.object({ status: z.optional(runStatus), limit: limitOf(200, 50) }),
  responses: {
    200: z.object({
      runs: z.array(
        z.object({
          id,
          kind: z.string(),
          user_id: id,
          status: runStatus,
          attempt: z.int(),
          last_event: z.int(),
          node_id: z.nullable(z.string()),
          error_code: z.nullable(z.string()),
          created_at: timestamp,
          finished_at: z.nullable(timestamp),
        }),
      ),
    }),
  },
})

export const listJobs = operation({
  method: 'GET',
  path: '/admin/jobs',
  tags,
  summary: 'Count background jobs, and list failed ones',
  access,
  responses: {
    200: z.object({
      counts: z.array(z.object({ kind: z.string(), state: z.string(), count: z.int() })),
      failed: z.array(
        z.object({
          id,
          kind: z.string(),
          state: z.string(),
          failures: z.int(),
          error: z.nullable(z.string()),
          failed_at: z.nullable(timestamp),
          due_at: timestamp,
        }),
      ),
    }),
  },
})

export const getStorage = operation({
  method: 'GET',
  path: '/admin/storage',
  tags,
  summary: 'Get the sizes of the tables and the free space of the data directory',
  access,
  responses: {
    200: z.object({
      database_bytes: z.int(),
      disk_bytes: z.int(),
      free_bytes: z.int(),
      tables: z.array(
        z.object({
          name: z.string(),
          bytes: z.int(),
          rows: describe(z.nullable(z.int()), 'An estimate; null until the database has analyzed the table.'),
        }),
      ),
    }),
  },
})

export const createBackup = operation({
  method: 'POST',
  path: '/admin/backup',
  tags,
  summary: 'Download a backup of the database and the original files',
  description:
    'A ZIP file with a consistent snapshot, made while the server is running. An incomplete download is not a backup. `gabee restore` reads it. It contains everything that users have stored: keep it as safe as the server.',
  access,
  audit: 'backup.create',
  responses: { 200: content({ 'application/zip': z.unknown() }) },
})

export const getLogs = operation({
  method: 'GET',
  path: '/admin/logs',
  tags,
  summary: 'Get the newest log lines of this server process',
  access,
  query: z.object({ limit: limitOf(1000, 200) }),
  responses: { 200: z.object({ lines: z.array(z.record(z.string(), z.unknown())) }) },
})

export const auditEntry = z.object({
  id,
  at: timestamp,
  actor: describe(
    z.nullable(z.object({ id, email: z.nullable(z.string()) })),
    'Null if there is no user, for example after a wrong password. The e-mail address is null once the user is deleted.',
  ),
  action: describe(z.string(), 'Such as `document.delete`.'),
  target: describe(z.nullable(z.string()), 'The id of the object of the action, or the name of a model.'),
  address: z.nullable(z.string()),
})

export const listAuditLog = operation({
  method: 'GET',
  path: '/admin/audit',
  tags,
  summary: 'List sign-ins, permissions, deletions, keys and settings, the newest first',
  description: 'Entries contain no user content and are kept for a year.',
  access,
  query: pageQuery,
  responses: { 200: pageOf('entries', auditEntry) },
})
