import type { BodyOf } from '../../../contract/operation.ts'
import type { addTool, CustomTool, updateTool } from '../../../contract/tools.ts'
import { type Avee, type Avees, notTheOwner } from '../../avees/index.ts'
import { type Database, newId, type ToolFunction, translateConflict } from '../../db/index.ts'
import type { Encryption } from '../../encryption.ts'
import { AppError } from '../../errors.ts'
import type { Caller } from '../../http/caller.ts'
import { publicClient } from '../../knowledge/index.ts'
import {
  customToolNotFound,
  descriptionMissing,
  headersNeeded,
  noUrl,
  programsForAdmins,
  toolNameTaken,
  toolUnreachable,
  tooManyTools,
  unknownOperations,
  unknownTool,
} from '../errors.ts'
import {
  type CustomToolRow,
  deleteCustomTool,
  insertCustomTool,
  listCustomTools,
  type OfferedToolRow,
  selectOffered,
  updateCustomTool,
} from '../store.ts'
import type { AveeTool, ToolContext, ToolResult } from '../tool.ts'
import { callMcpTool, listMcpTools, type McpServer } from './mcp.ts'
import { callFunction, fetchFunctions, readFunctions } from './openapi.ts'
import { parseDescription } from './parse-description.ts'

export type CustomToolDependencies = {
  database: Database
  avees: Pick<Avees, 'view' | 'viewOfConversation'>
  encryption: Encryption
  /** Hosts besides the public internet, as `name` or `name:port`. */
  allowedHosts: string[]
}

type Headers = Record<string, string>
/** The source of a tool's functions. */
type Source = Pick<OfferedToolRow, 'kind' | 'url' | 'command' | 'args'> & { headers: Headers }

const maxTools = 20
const timeout = () => AbortSignal.timeout(listTimeoutMs)
const connectTimeoutMs = 10_000
const listTimeoutMs = 15_000
/** The maximum number of functions of all tools of an avee; OpenAI's models accept 128. */
const maxOffered = 100
const maxNameCharacters = 64
const maxResultCharacters = 40_000
/** The maximum length of a result on the page, and for the model after a takeover. */
const maxSummaryCharacters = 2_000

/** The tools that owners add to their avees: operations of HTTP services, and servers of the Model Context Protocol. */
export function customTools({ database, avees, encryption, allowedHosts }: CustomToolDependencies) {
  const { db } = database
  const http = publicClient({
    allowedHosts,
    setting: 'TOOL_ALLOWED_HOSTS',
    timeoutMs: connectTimeoutMs,
  })

  async function requireOwned(caller: Caller, idOrHandle: string): Promise<Avee> {
    const { avee, isOwner } = await avees.view(caller, idOrHandle)
    if (!isOwner || caller.aveeId !== null) throw notTheOwner()
    return avee
  }

  async function requireTool(caller: Caller, aveeIdOrHandle: string, id: string): Promise<CustomToolRow> {
    const { id: aveeId } = await requireOwned(caller, aveeIdOrHandle)
    const row = (await listCustomTools(db, aveeId)).find((each) => each.id === id)
    if (!row) throw customToolNotFound()
    if (row.kind === 'mcp_stdio' && !caller.isAdmin) throw programsForAdmins()
    return row
  }

  const headersOf = ({ id, secrets }: Pick<CustomToolRow, 'id' | 'secrets'>): Headers =>
    secrets === null ? {} : (JSON.parse(encryption.decrypt(secrets, contextOf(id))) as Headers)

  const encrypt = (id: string, headers: Headers): string | null =>
    Object.keys(headers).length === 0 ? null : encryption.encrypt(JSON.stringify(headers), contextOf(id))

  const sourceOf = (row: OfferedToolRow): Source => ({ ...row, headers: headersOf(row) })

  /** @throws AppError with a sentence for the owner */
  async function listFunctions(source: Source): Promise<ToolFunction[]> {
    const signal = timeout()
    const { kind, url, headers } = source
    try {
      return kind === 'openapi'
        ? await fetchFunctions(http, { url: url ?? '', headers, signal })
        : await listMcpTools(serverOf(source), http, signal)
    } catch (error) {
      throw findAppError(error) ?? toolUnreachable(error)
    }
  }

  async function call(
    row: OfferedToolRow,
    name: string,
    given: Record<string, unknown>,
    signal: AbortSignal,
  ) {
    const source = sourceOf(row)
    const request = row.functions.find((each) => each.name === name)?.request
    try {
      return request
        ? await callFunction(http, request, given, { headers: source.headers, signal })
        : await callMcpTool(serverOf(source), http, { name, given, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw findAppError(error) ?? toolUnreachable(error)
    }
  }

  function present(row: CustomToolRow): CustomTool {
    let headerNames: string[] = []
    try {
      headerNames = Object.keys(headersOf(row))
    } catch {
      // The secrets were encrypted with another key and can be entered again.
    }
    const { secrets: _secrets, operations, functions, ...shown } = row
    return {
      ...shown,
      created_at: row.created_at.toISOString(),
      header_names: headerNames,
      functions: functions.map(({ name, description, read_only }) => ({
        name,
        description,
        needs_approval: !read_only,
        selected: operations === null || operations.includes(name),
      })),
    }
  }

  const onConflict = (name: string) =>
    translateConflict({ own_tools_avee_id_name_key: () => toolNameTaken(name) })

  return {
    selectOffered: (of: Parameters<typeof selectOffered>[1]) => selectOffered(db, of),

    /** Returns the functions of these tools in the form that an answer offers. */
    toTools(
      rows: OfferedToolRow[],
      runTool: (
        run: (context: ToolContext) => Promise<ToolResult>,
        context: ToolContext,
      ) => Promise<ToolResult>,
    ): AveeTool[] {
      const names = new Set<string>()
      const all = rows.flatMap((row) =>
        row.functions.flatMap((each) =>
          row.operations === null || row.operations.includes(each.name) ? [{ row, each }] : [],
        ),
      )
      return all.slice(0, maxOffered).map(({ row, each }) => {
        const name = uniqueName(`${row.name}_${each.name}`, names)
        return {
          scope: 'external',
          described: { name, description: `${row.name}: ${each.description}`, parameters: each.parameters },
          prepare: (given, context) => ({
            effect: each.read_only ? 'none' : 'external',
            needsApproval: !each.read_only,
            run: () =>
              runTool(
                async (current) => toResult(await callAgain(row.id, each.name, given, current)),
                context,
              ),
          }),
        }
      })
    },

    async list(caller: Caller, avee: string): Promise<CustomTool[]> {
      return (await listCustomTools(db, (await requireOwned(caller, avee)).id)).map(present)
    },

    async add(caller: Caller, avee: string, body: BodyOf<typeof addTool>): Promise<CustomTool> {
      const { id: aveeId } = await requireOwned(caller, avee)
      if (body.kind === 'mcp_stdio' && !caller.isAdmin) throw programsForAdmins()
      if ((await listCustomTools(db, aveeId)).length >= maxTools) throw tooManyTools(maxTools)
      const id = newId()
      const source: Source = {
        kind: body.kind,
        url: 'url' in body ? (body.url ?? null) : null,
        command: 'command' in body ? body.command : null,
        args: 'args' in body ? body.args : [],
        headers: 'headers' in body ? (body.headers ?? {}) : {},
      }
      const spec = 'spec' in body ? body.spec : undefined
      if (body.kind === 'openapi' && (source.url === null) === (spec === undefined))
        throw descriptionMissing()
      const functions =
        spec === undefined
          ? await listFunctions(source)
          : readFunctions(
              typeof spec === 'string' ? await parseDescription(spec, timeout()) : spec,
              undefined,
            )
      for (const { request } of functions) if (request) http.assertAllowed(request.url)
      checkOperations(body.operations, functions)
      const { headers, ...columns } = source
      const values = {
        id,
        avee_id: aveeId,
        name: body.name,
        ...columns,
        secrets: encrypt(id, headers),
        functions: JSON.stringify(functions),
        operations: body.operations ?? null,
        shared: body.shared ?? false,
        last_error: null,
      }
      return present(await insertCustomTool(db, values).catch(onConflict(body.name)))
    },

    async update(
      caller: Caller,
      avee: string,
      id: string,
      body: BodyOf<typeof updateTool>,
    ): Promise<CustomTool> {
      const row = await requireTool(caller, avee, id)
      const { headers, url, operations, ...changes } = body
      if (url !== undefined && row.url === null) throw noUrl()
      const isMoved = url !== undefined && url !== row.url
      if (isMoved && row.secrets !== null && headers === undefined) throw headersNeeded()
      const functions = isMoved ? await listFunctions({ ...row, url, headers: headers ?? {} }) : row.functions
      checkOperations(operations ?? undefined, functions)
      const { name = row.name, enabled = row.enabled, shared = row.shared } = changes
      const saved = await updateCustomTool(db, id, {
        name,
        enabled,
        shared,
        ...(isMoved && { url, functions: JSON.stringify(functions), last_error: null }),
        ...(headers && { secrets: encrypt(id, headers) }),
        ...(operations !== undefined && { operations }),
      }).catch(onConflict(name))
      if (!saved) throw customToolNotFound()
      return present(saved)
    },

    /** Lists the functions again and stores them. */
    async test(caller: Caller, avee: string, id: string) {
      const row = await requireTool(caller, avee, id)
      const start = performance.now()
      const outcome =
        row.url === null && row.command === null
          ? { functions: row.functions }
          : await listFunctions(sourceOf(row)).then(
              (functions) => ({ functions }),
              (error: AppError) => ({ error: error.message }),
            )
      const saved = await updateCustomTool(
        db,
        id,
        'error' in outcome
          ? { last_error: outcome.error }
          : { last_error: null, functions: JSON.stringify(outcome.functions) },
      )
      if (!saved) throw customToolNotFound()
      return {
        ok: !('error' in outcome),
        ...('error' in outcome && { error: outcome.error }),
        latency_ms: Math.round(performance.now() - start),
        tool: present(saved),
      }
    },

    async delete(caller: Caller, avee: string, id: string): Promise<void> {
      await deleteCustomTool(db, (await requireTool(caller, avee, id)).id)
    },

    [Symbol.asyncDispose]: http[Symbol.asyncDispose],
  }

  /** Calls the current version of a function, which may have been changed or removed since the answer began. */
  async function callAgain(id: string, name: string, given: unknown, context: ToolContext): Promise<string> {
    const { avee, isOwner, signal } = context
    const rows = await selectOffered(db, { aveeId: avee.id, isOwner }).execute()
    const row = rows.find((each) => each.id === id)
    const isOffered = row?.functions.some((each) => each.name === name)
    if (!row || !isOffered || row.operations?.includes(name) === false) throw unknownTool(name)
    return await call(row, name, given as Record<string, unknown>, signal)
  }
}

export type CustomTools = ReturnType<typeof customTools>

const contextOf = (id: string) => `tool ${id}`

const serverOf = ({ url, command, args, headers }: Source): McpServer =>
  command === null ? { url: url ?? '', headers } : { command, args }

/** Returns the AppError inside an error that a library has wrapped. */
const findAppError = (error: unknown): AppError | undefined =>
  error instanceof AppError
    ? error
    : error instanceof Error && error.cause !== undefined
      ? findAppError(error.cause)
      : undefined

function checkOperations(operations: string[] | undefined, functions: ToolFunction[]): void {
  const known = functions.map(({ name }) => name)
  const unknown = (operations ?? []).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw unknownOperations(unknown, known)
}

/** A name that every provider accepts: up to 64 letters, digits, hyphens and underscores. */
function uniqueName(text: string, taken: Set<string>): string {
  const name = text.replaceAll(/[^A-Za-z0-9-]+/g, '_').slice(0, maxNameCharacters)
  let unique = name
  for (let n = 2; taken.has(unique); n += 1) unique = `${name.slice(0, maxNameCharacters - 4)}_${n}`
  taken.add(unique)
  return unique
}

function toResult(text: string): ToolResult {
  const shown = text.trim() === '' ? 'Done, without a result.' : text
  return {
    text: shown.slice(0, maxResultCharacters),
    summary: shown.slice(0, maxSummaryCharacters).toWellFormed(),
  }
}
