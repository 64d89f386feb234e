import * as contract from '../../../contract/index.ts'
import type { Operation } from '../../../contract/operation.ts'
import { forEach, type LeakRequests } from './requests.ts'
import { type StoredCanaries, users } from './store-canaries.ts'

const protocols = ['gabee', 'localchat', 'openai', 'openai-responses', 'ollama', 'ollama-generate']

/** Reads every GET route as every caller, with the ids of every kind of object of every user. */
export async function probeRoutes(requests: LeakRequests, stored: StoredCanaries): Promise<void> {
  const { tokens, routes, probe, callTool } = requests
  const { avees, documents, ...others } = await listIdsOfAll(requests, stored)
  const ids: Record<string, string[]> = {
    ...others,
    avees,
    documents,
    chat: others.conversations,
    api: documents,
    v1: avees.map((avee) => encodeURIComponent(`avee/${avee}`)),
  }
  const valuesOf: Record<string, string[]> = {
    query: ['keeper'],
    avee: avees,
    include_past: ['true'],
    archived: ['true'],
    trash: ['true'],
    followed: ['true'],
    state: ['answered'],
  }
  /** Returns the paths of an operation and the query strings to try with each. */
  const pathsOf = ({ path, query }: Operation) => {
    const [, segment = ''] = path.split('/')
    const queries = Object.keys(query?.shape ?? {}).flatMap((name) => {
      const values = name === 'format' ? (segment === 'runs' ? protocols : ['json']) : valuesOf[name]
      return (values ?? []).map((value) => `?${name}=${value}`)
    })
    return (path.includes(':id') ? (ids[segment] ?? ['']) : ['']).map((id) => {
      const filled = path.replace(':id', id || ':id').replace(/:(?:n|page)\b/, '1')
      if (filled.includes(':')) throw new Error(`The leak test has no id for ${path}.`)
      return { path: filled, queries }
    })
  }
  for (const caller of Object.keys(tokens))
    await forEach(documents, (document_id) => callTool(caller, 'read_document', { document_id }))
  const operations = Object.values(contract).flatMap((module) =>
    Object.values<unknown>(module).filter(
      (value): value is Operation => typeof value === 'object' && value !== null && 'summary' in value,
    ),
  )
  const reading = operations.filter(({ method }) => method === 'GET')
  for (const { method, path } of reading) routes.add(`${method} ${path}`)
  const paths = [
    ...reading.flatMap(pathsOf),
    ...['/openapi.json', '/metrics'].map((path) => ({ path, queries: [] })),
  ]
  for (const caller of Object.keys(tokens))
    await forEach(paths, async ({ path, queries }) => {
      if ((await probe(caller, 'GET', path)) >= 400) return
      for (const query of queries) await probe(caller, 'GET', path + query)
    })
}

/** Returns ids by the first segment of the paths that take them. */
async function listIdsOfAll({ prepare }: LeakRequests, stored: StoredCanaries) {
  const { open, closed, other } = stored
  const listIds = async (user: string, path: string, list: string): Promise<string[]> => {
    const body = await prepare<Record<string, { id: string }[]>>(user, 'GET', path)
    return (body[list] ?? []).map(({ id }) => id)
  }
  const conversations = [...new Set(stored.asked.map(({ conversation }) => conversation))]
  const messages = stored.asked.map(({ message }) => message)
  const runs: string[] = []
  const documents = [
    ...(await listIds('owner', `/avees/${open}/documents`, 'documents')),
    ...(await listIds('owner', `/avees/${closed}/documents`, 'documents')),
  ]
  for (const user of users) {
    runs.push(...(await listIds(user, '/runs?limit=8', 'runs')))
    documents.push(...(await listIds(user, '/api/documents/list', 'documents')))
    for (const id of await listIds(user, '/conversations', 'conversations')) {
      documents.push(...(await listIds(user, `/conversations/${id}/attachments`, 'attachments')))
      messages.push(...(await listIds(user, `/conversations/${id}/messages`, 'messages')).slice(-2))
    }
  }
  const avees = [open, 'open-avee', closed, 'closed-avee', other, 'local']
  return {
    avees,
    conversations,
    messages,
    runs,
    deletions: stored.deletions,
    shares: stored.links,
    documents,
    webhooks: stored.webhooks,
  }
}
