import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as contract from '../../contract/index.ts'
import { type Layer, layers } from '../../contract/layers.ts'
import type { Operation } from '../../contract/operation.ts'
import { createApp } from '../app.ts'
import { readConfig } from '../config.ts'
import type { Command } from './command.ts'
import { startModelPlayer } from './model-player.ts'

/** A word that appears nowhere else, where it was stored, and the callers that may read it. */
type Canary = { word: string; place: string; readers: readonly string[] }

export type LeakReport = {
  callers: number
  routes: number
  requests: number
  /** Canaries looked for in responses whose caller may not read them. */
  probes: number
  canaries: number
  /** One line for each canary found, and for each canary that not even its readers found. */
  leaks: string[]
}

const concurrency = 8
/** A stem or a shortened title still contains so many characters of a canary. */
const significantCharacters = 9
const protocols = ['gabee', 'localchat', 'openai', 'openai-responses', 'ollama', 'ollama-generate']
const question = 'What does the keeper of the lighthouse write?'
const password = 'a good long password'

const pick = (letters: string) => letters[randomInt(letters.length)] ?? ''
const newWord = () => Array.from({ length: 6 }, () => pick('bdfgklmnprtvz') + pick('aeiou')).join('')

/** Calls `work` for each item, with a few calls at a time. */
async function forEach<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

/**
 * Stores canaries at every layer, then reads every route as every kind of caller, with a model that repeats its whole
 * prompt. `env` are settings of the server. @throws Error if its database is not empty
 */
export async function findLeaks(env: Record<string, string>): Promise<LeakReport> {
  const canaries: Canary[] = []
  const leaks = new Set<string>()
  const seen = new Set<string>()
  const routes = new Set<string>()
  const tokens: Record<string, string | undefined> = { anonymous: undefined }
  let isRepeating = false
  let requests = 0
  let probes = 0

  const canary = (place: string, readers: readonly string[]): string => {
    const word = newWord()
    canaries.push({ word, place, readers })
    return word
  }
  /** A persona instructs the model, which may repeat it to any visitor; here it repeats everything else. */
  const withoutPersona = (prompt: string) =>
    canaries.reduce(
      (text, { word, place }) => (place.startsWith('persona') ? text.replaceAll(word, '') : text),
      prompt,
    )

  await using player = await startModelPlayer((prompt) =>
    isRepeating ? withoutPersona(prompt) : 'It is written there [1] [2] [3] [4] [5] [6].',
  )
  await using app = await createApp(
    readConfig({
      HOST: '127.0.0.1',
      PORT: '0',
      REGISTRATION: 'open',
      LOG_LEVEL: 'silent',
      OLLAMA_BASE_URL: player.url,
      BACKGROUND_MODEL_CALLS: 'off',
      LIMIT_ANONYMOUS_QUESTIONS_PER_HOUR: '0',
      ...env,
    }),
  )
  const { hasAccounts } = await app.accounts.state()
  if (hasAccounts || (await app.database.db.selectFrom('avees').select('id').executeTakeFirst()))
    throw new Error('The database at DATABASE_URL is in use. Give the leak test an empty database.')
  const url = await app.listen()

  async function send(caller: string, method: string, path: string, body?: object) {
    requests += 1
    const token = tokens[caller]
    const header = caller === 'visitor' ? { 'x-visitor': token ?? '' } : { authorization: `Bearer ${token}` }
    const isJson = body !== undefined && !(body instanceof FormData)
    const response = await fetch(url + path, {
      method,
      headers: {
        accept: 'application/json, text/event-stream, */*',
        ...(token ? header : {}),
        ...(isJson ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  /** Sends a request of the preparation. @throws Error if it fails */
  async function prepare<Body>(caller: string, method: string, path: string, body?: object): Promise<Body> {
    const { status, text, headers } = await send(caller, method, path, body)
    if (status >= 300) throw new Error(`${method} ${path} as ${caller} returned ${status}: ${text}`)
    return (headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as Body
  }
  /** Sends a request and looks for the canaries that the caller may not read. */
  async function probe(caller: string, method: string, path: string, body?: object) {
    const { status, headers, text } = await send(caller, method, path, body)
    const everything = `${text}${JSON.stringify([...headers])}`.toLowerCase()
    for (const { word, place, readers } of canaries) {
      const isFound = everything.includes(word.slice(0, significantCharacters))
      // A shared conversation shows everybody what visitors without an account may see of its citations.
      if (readers.includes(path.startsWith('/shares/') ? 'visitor' : caller)) {
        if (isFound) seen.add(word)
        continue
      }
      probes += 1
      if (isFound) leaks.add(`${caller} reads the ${place} at ${method} ${path} (status ${status})`)
    }
    return status
  }

  // Users, avees, permissions.
  const users = ['admin', 'owner', 'intimate', 'friend', 'acquaintance', 'follower', 'stranger', 'former']
  const userIds: Record<string, string> = {}
  for (const name of users) {
    const session = await prepare<{ token: string; user: { id: string } }>(
      'anonymous',
      'POST',
      '/auth/register',
      {
        email: `${name}@example.org`,
        password,
      },
    )
    tokens[name] = session.token
    userIds[name] = session.user.id
  }
  const createAvee = async (fields: object) =>
    (await prepare<{ id: string }>('owner', 'POST', '/avees', fields)).id
  const open = await createAvee({
    handle: 'open-avee',
    display_name: 'Open',
    tools: ['search_documents', 'recall'],
    persona: `You are ${canary('persona', ['owner'])}.`,
    example_dialogue: canary('persona: example dialogue', ['owner']),
  })
  const notes = canary('persona notes', ['owner'])
  await prepare('owner', 'PATCH', `/avees/${open}`, { persona_notes: notes })
  const closed = await createAvee({
    handle: 'closed-avee',
    display_name: canary('name of an avee turned private', ['owner']),
    bio: canary('description of an avee turned private', ['owner']),
    greeting: canary('greeting of an avee turned private', ['owner']),
    persona: canary('persona of an avee turned private', ['owner']),
  })
  const other = await createAvee({ handle: 'other-avee', display_name: 'Other', visibility: 'private' })
  const setLayer = (user: string, max_layer: Layer) =>
    prepare('owner', 'PUT', `/avees/${open}/permissions/${userIds[user]}`, { max_layer })
  await setLayer('intimate', 'intimate')
  await setLayer('friend', 'friends')
  await setLayer('acquaintance', 'public')
  await setLayer('former', 'intimate')
  await prepare('follower', 'PUT', `/avees/${open}/follow`)
  await prepare('owner', 'PATCH', `/avees/${open}/insight/settings`, {
    share_unanswered: true,
    allow_pass_on: true,
  })

  const createKey = (user: string, fields: object) =>
    prepare<{ id: string; key: string }>(user, 'POST', '/api-keys', fields)
  tokens['key of the friend with scope read'] = (await createKey('friend', { scopes: ['read'] })).key
  tokens['key of the owner for another avee'] = (await createKey('owner', { avee_id: other })).key
  const revoked = await createKey('intimate', {})
  tokens['revoked key'] = revoked.key
  await prepare('intimate', 'DELETE', `/api-keys/${revoked.id}`)
  await prepare('owner', 'PATCH', `/avees/${open}`, { anonymous: true })
  tokens['visitor'] = (await prepare<{ token: string }>('anonymous', 'POST', `/avees/${open}/visits`)).token
  const callers = Object.keys(tokens)
  /** A user, and the key that may read what the user may. */
  const readersLike = (...names: string[]) =>
    names.includes('friend') ? [...names, 'key of the friend with scope read'] : names
  const readersOf: Record<Layer, string[]> = {
    public: readersLike(...users, 'visitor'),
    friends: readersLike('owner', 'intimate', 'friend'),
    intimate: readersLike('owner', 'intimate'),
  }

  // Documents and updates.
  const upload = async (
    caller: string,
    path: string,
    place: string,
    readers: readonly string[],
    fields: { layer?: Layer; conversation_id?: string } = {},
  ) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    const text = `# Book of ${canary(`heading of ${place}`, readers)}\n\nThe keeper of the lighthouse writes ${canary(`text of ${place}`, readers)} every evening.\n`
    form.append('files', new File([text], `${canary(`file name of ${place}`, readers)}.md`))
    await prepare(caller, 'POST', path, form)
  }
  for (const layer of layers) {
    await upload('owner', `/avees/${open}/documents`, `a document (${layer})`, readersOf[layer], {
      layer,
    })
    await prepare('owner', 'POST', `/avees/${open}/updates`, {
      layer,
      title: canary(`title of an update (${layer})`, readersOf[layer]),
      text: `The keeper of the lighthouse writes ${canary(`text of an update (${layer})`, readersOf[layer])}.`,
    })
  }
  await upload('owner', `/avees/${closed}/documents`, 'a document of an avee turned private', ['owner'], {
    layer: 'public',
  })
  await prepare('owner', 'POST', `/avees/${closed}/updates`, {
    text: `The keeper of the lighthouse writes ${canary('update of an avee turned private', ['owner'])}.`,
  })

  await prepare('owner', 'POST', `/avees/${open}/tools`, {
    kind: 'openapi',
    name: 'Lighthouse',
    headers: { 'x-key': canary('header of a tool', []) },
    spec: {
      openapi: '3.1.0',
      servers: [{ url: 'https://gabee.invalid' }],
      paths: { '/lamp': { get: { summary: `Shows ${canary('description of a tool', ['owner'])}.` } } },
    },
  })
  const webhook = await prepare<{ id: string }>('owner', 'POST', `/avees/${open}/webhooks`, {
    url: `https://gabee.invalid/${canary('address of a webhook', ['owner'])}`,
  })

  // What belongs to each user alone.
  type Asked = { conversation: string; message: string }
  const asked: Asked[] = []
  /** Users whose conversations have a file; those of the others would take as many requests again. */
  const attaching = ['owner', 'friend', 'former']
  const ask = async (user: string, avee: string, text: string): Promise<Asked> => {
    const { id } = await prepare<{ id: string }>(user, 'POST', '/conversations', { avee })
    if (attaching.includes(user)) {
      const place = `an attachment of ${user} (${asked.length})`
      // The other avee turns private.
      const readers = avee === open ? readersLike(user) : []
      await upload(user, '/attachments', place, readers, { conversation_id: id })
    }
    const answer = await prepare<{ message_id: string }>(user, 'POST', '/chat/ask', {
      conversation_id: id,
      question: text,
    })
    return { conversation: id, message: answer.message_id }
  }
  // What users have of their own is protected alike, so not all of them need it.
  for (const user of ['owner', 'intimate', 'friend', 'stranger', 'former']) {
    const own = (place: string) => canary(`${place} of ${user}`, readersLike(user))
    await upload(user, '/api/documents/upload', `a library document of ${user}`, readersLike(user))
    const first = await ask(user, open, `${question} I mean ${own('question')}.`)
    asked.push(first)
    await prepare(user, 'PATCH', `/conversations/${first.conversation}`, { title: own('conversation title') })
    // The owner's feedback becomes part of the persona notes.
    const note = user === 'owner' ? canary('persona notes', ['owner']) : own('feedback note')
    await prepare(user, 'PUT', `/messages/${first.message}/feedback`, { vote: 'down', note })
    await prepare(user, 'POST', '/memories', {
      avee: open,
      content: `The lighthouse of the user is ${own('memory')}.`,
    })
    await createKey(user, { name: own('key name') })
  }
  const forwarded = readersLike('friend', 'owner')
  const sent = await ask('friend', open, `Who paints ${canary('question sent to the owner', forwarded)}?`)
  const { question_id } = await prepare<{ question_id: string }>(
    'friend',
    'POST',
    `/messages/${sent.message}/pass-on`,
    {
      note: canary('note to the owner', forwarded),
    },
  )
  await prepare('owner', 'POST', `/avees/${open}/questions/${question_id}/answer`, {
    layer: 'friends',
    question: 'Who paints the lighthouse?',
    answer: `The keeper of the lighthouse paints it ${canary('answer of the owner (friends)', readersOf.friends)}.`,
  })
  asked.push(sent, await ask('former', closed, question))
  const visitorQuestion = `${question} I mean ${canary('question of the visitor', ['visitor'])}.`
  asked.push(await ask('visitor', open, visitorQuestion))

  const everybody = Object.keys(tokens)
  const shared = await ask(
    'owner',
    open,
    `${question} I mean ${canary('question of a shared conversation', everybody)}.`,
  )
  const links: string[] = []
  for (const user of ['owner', 'former'])
    links.push(
      (
        await prepare<{ token: string }>(
          user,
          'POST',
          `/conversations/${user === 'owner' ? shared.conversation : asked.at(-2)?.conversation}/shares`,
        )
      ).token,
    )

  type Deleted = { receipt: { id: string } }
  const deletions: string[] = []
  for (const user of users) {
    const { id } = await prepare<{ id: string }>(user, 'POST', '/conversations', { avee: open })
    deletions.push((await prepare<Deleted>(user, 'DELETE', `/conversations/${id}`)).receipt.id)
  }

  // Access is withdrawn; from here on the model repeats its whole prompt.
  await prepare('owner', 'DELETE', `/avees/${open}/permissions/${userIds['former']}`)
  await prepare('owner', 'PATCH', `/avees/${closed}`, { visibility: 'private' })
  isRepeating = true
  const visit = async (caller: string, path: string, body: object) => {
    routes.add(`POST ${path.replaceAll(/[\da-f-]{36}/g, ':id')}`)
    const status = await probe(caller, 'POST', path, body)
    if (status < 300 && caller.endsWith('scope read') && !/search|test|show|mcp/.test(path))
      leaks.add(`${caller} may ask at POST ${path}`)
  }
  const callTool = (caller: string, name: string, args: object) =>
    visit(caller, '/mcp', {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: args },
    })
  for (const caller of callers) {
    for (const { conversation, message } of asked) {
      for (const path of ['/chat/ask', '/chat/ask-v2', '/chat/stream'])
        await visit(caller, path, { conversation_id: conversation, question })
      await visit(caller, `/conversations/${conversation}/messages/${message}/regenerate`, {})
    }
    const asks: [path: string, body: object][] = [
      ['/v1/chat/completions', { messages: [{ role: 'user', content: question }] }],
      ['/v1/responses', { input: question }],
      ['/ollama/api/chat', { messages: [{ role: 'user', content: question }] }],
      ['/ollama/api/generate', { prompt: question }],
    ]
    for (const [path, body] of asks)
      for (const model of ['avee/open-avee', 'avee/closed-avee'])
        await visit(caller, path, { model, ...body })
    for (const model of ['avee/open-avee', 'avee/closed-avee', 'avee/local'])
      await probe(caller, 'POST', '/ollama/api/show', { model })
    await visit(caller, '/api/chat', { message: question })
    for (const avee of [open, closed, other, 'local'])
      await visit(caller, '/search', { avee, scope: 'all', query: question, limit: 50 })
    await visit(caller, '/search', { query: question, limit: 50 })
    await callTool(caller, 'search_documents', { query: question, limit: 50 })
    for (const avee of [open, closed]) {
      await callTool(caller, 'ask_avee', { avee, question })
      await callTool(caller, 'recall', { avee, query: 'keeper' })
    }
    await visit(caller, '/api/documents/test', { query: question })
    await visit(caller, '/api/documents/search-text', { search_text: 'keeper' })
  }
  await app.jobs.idle()

  // Every GET route, with the ids of every kind of object of every user.
  const listIds = async (user: string, path: string, list: string): Promise<string[]> => {
    const body = await prepare<Record<string, { id: string }[]>>(user, 'GET', path)
    return (body[list] ?? []).map(({ id }) => id)
  }
  const conversations = [...new Set(asked.map(({ conversation }) => conversation))]
  const messages = asked.map(({ message }) => message)
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
  const ids: Record<string, string[]> = {
    avees,
    conversations,
    chat: conversations,
    messages,
    runs,
    deletions,
    shares: links,
    documents,
    webhooks: [webhook.id],
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
  for (const caller of callers)
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
  for (const caller of callers)
    await forEach(paths, async ({ path, queries }) => {
      if ((await probe(caller, 'GET', path)) >= 400) return
      for (const query of queries) await probe(caller, 'GET', path + query)
    })

  // A search for a hidden word answers as a search for a word that does not exist.
  const searches = [
    ...['/conversations', '/memories', `/avees/${open}/documents`].map(
      (path) => (caller: string, word: string) => send(caller, 'GET', `${path}?query=${word}`),
    ),
    (caller: string, word: string) =>
      send(caller, 'POST', '/api/documents/search-text', { search_text: word }),
  ]
  const ofUser = new RegExp(` of (?:${users.join('|')})$`)
  for (const caller of callers)
    for (const search of searches) {
      const none = newWord()
      const missing = await search(caller, none)
      if (missing.status >= 400) continue
      const hidden = canaries.filter(({ readers }) => !readers.includes(caller))
      // What several users have of their own is hidden alike, so a word of one of them is enough.
      const places = new Map(hidden.map((each) => [each.place.replace(ofUser, ''), each]))
      await forEach([...places.values()], async ({ word, place }) => {
        const { text } = await search(caller, word)
        probes += 1
        if (text.replaceAll(word, '') !== missing.text.replaceAll(none, ''))
          leaks.add(`${caller} learns of the ${place} by a search: ${text.slice(0, 200)}`)
      })
    }

  // Vectors of hidden words bring other passages than those of missing ones, so only what has the words is compared.
  for (const caller of callers)
    for (const scope of ['conversations', 'memories']) {
      const hidden = canaries.filter(({ readers }) => !readers.includes(caller))
      const { status, text } = await send(caller, 'POST', '/search', {
        scope,
        query: hidden.map(({ word }) => word).join(' '),
      })
      if (status >= 400) continue
      probes += hidden.length
      if ((JSON.parse(text) as { results: unknown[] }).results.length > 0)
        leaks.add(`${caller} learns of hidden words by a search of ${scope}: ${text.slice(-200)}`)
    }

  for (const { word, place, readers } of canaries)
    if (!seen.has(word) && readers.length > 0 && place !== 'memory of former')
      leaks.add(`The ${place} was not found by those who may read it.`)
  return {
    callers: callers.length,
    routes: routes.size,
    requests,
    probes,
    canaries: canaries.length,
    leaks: [...leaks],
  }
}

export const leakTest: Command = {
  usage: '',
  details: `Stores words that occur nowhere else at every layer, reads every route as every kind of caller, and reports words
that reach somebody who may not read them. Uses an embedded database in a temporary directory, or the empty one at
DATABASE_URL.

  gabee leak-test`,
  run: ({ databaseUrl }) => runLeakTest(databaseUrl),
}

/** Prints the result of the test and returns the exit code. */
async function runLeakTest(databaseUrl = ''): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'gabee-leak-test-'))
  try {
    const { leaks, ...counts } = await findLeaks({ DATA_DIR: directory, DATABASE_URL: databaseUrl })
    for (const leak of leaks) process.stdout.write(`✗ ${leak}\n`)
    process.stdout.write(
      `${counts.callers} callers × ${counts.routes} routes: ${counts.requests} requests, ${counts.canaries} canaries, ${counts.probes} probes, ${leaks.length} leaks.\n`,
    )
    return leaks.length === 0 ? 0 : 1
  } catch (thrown) {
    process.stderr.write(`The leak test failed: ${(thrown as Error).message}\n`)
    return 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
