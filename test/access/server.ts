import type { Session } from '../../contract/accounts.ts'
import { accountRoutes, accounts as createAccounts } from '../../server/accounts/index.ts'
import { aveeRoutes, avees as createAvees } from '../../server/avees/index.ts'
import { readConfig } from '../../server/config.ts'
import type { Database } from '../../server/db/index.ts'
import { deletions as createDeletions } from '../../server/deletions/index.ts'
import { createEncryption } from '../../server/encryption.ts'
import { createHttp, type Http, type HttpDependencies } from '../../server/http/index.ts'
import { jobs as createJobs } from '../../server/jobs/index.ts'
import { createLog } from '../../server/log.ts'
import { runs as createRuns } from '../../server/runs/index.ts'
import { truncateTables } from '../databases.ts'

export type Reply<Body> = { status: number; headers: Record<string, string>; body: Body }

export type Call = {
  body?: unknown
  token?: string | undefined
  headers?: Record<string, string>
  /** The client's address; 127.0.0.1 by default. */
  from?: string
}

type Methods = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** Creates an HTTP server with accounts and avees on an emptied database. `routes` registers further routes. */
export async function openServer(
  database: Database,
  env: Record<string, string> = {},
  { routes, ...parts }: Partial<HttpDependencies> & { routes?: (http: Http) => Promise<void> } = {},
) {
  await truncateTables(database)
  return await reopenServer(database, env, { ...parts, ...(routes && { routes }) })
}

/** Does the same without emptying the database. */
export async function reopenServer(
  database: Database,
  env: Record<string, string> = {},
  { routes, ...parts }: Partial<HttpDependencies> & { routes?: (http: Http) => Promise<void> } = {},
) {
  const config = readConfig({ PORT: '0', REGISTRATION: 'open', ...env })
  const log = createLog('silent')
  const runs = createRuns({ database, log, nodeId: 'node' })
  const jobs = createJobs({ database, log })
  const deletions = createDeletions({ database, jobs, log, undoDays: 7 })
  const accounts = await createAccounts({
    database,
    runs,
    deletions,
    jobs,
    encryption: createEncryption('key'),
    loopback: config.server.loopback,
    ...config.accounts,
  })
  const avees = createAvees({ database, accounts, runs, jobs, deletions })
  const http = await createHttp({
    config,
    log,
    identity: accounts,
    readiness: async () => ({
      ok: true,
      database: { ok: true, kind: database.kind },
      storage: { ok: true },
      models: { ok: true, chat: 'extractive', embedding: null, message: '' },
    }),
    ...parts,
  })
  await http.register(accountRoutes({ accounts, avees, publicUrl: null }))
  await http.register(aveeRoutes({ avees }))
  await routes?.(http)

  async function call<Body = never>(
    method: Methods,
    url: string,
    { body, token, headers, from }: Call = {},
  ): Promise<Reply<Body>> {
    const response = await http.inject({
      method,
      url,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
      ...(from === undefined ? {} : { remoteAddress: from }),
    })
    const isJson = String(response.headers['content-type']).includes('json') && response.body !== ''
    return {
      status: response.statusCode,
      headers: response.headers as Record<string, string>,
      body: (isJson ? response.json() : response.body) as Body,
    }
  }

  let userCount = 0
  /** Registers a user; in personal mode the first one becomes the owner. */
  async function register(fields: Record<string, string> = {}) {
    userCount += 1
    const email = fields['email'] ?? `person${userCount}@example.org`
    const { status, body } = await call<Session>('POST', '/auth/register', {
      body: { password, setup_token: await accounts.setupToken(), ...fields, email },
    })
    if (status !== 201) throw new Error(`Registration returned ${status}: ${JSON.stringify(body)}`)
    return { email, token: body.token, id: body.user.id }
  }

  return { http, accounts, avees, call, register, [Symbol.asyncDispose]: async () => await http.close() }
}

export type TestServer = Awaited<ReturnType<typeof openServer>>

export const password = 'a good long password'

export type ErrorResponse = {
  error: { code: string; message: string; details?: { path: string; problem: string }[] }
  detail: string
}
