import type { Session } from '../contract/accounts.ts'
import type { Avee } from '../contract/avees.ts'
import type { Conversation, Message } from '../contract/chat.ts'
import type { IngestResult } from '../contract/knowledge.ts'
import { type Layer } from '../contract/layers.ts'
import type { Answer, Client } from './client.ts'
import { allEvents, type SeenEvent } from './events.ts'

export type Person = { client: Client; session: Session; password: string }

let counted = 0
/** A word that no other test of this process uses. */
const fresh = (word: string) => `${word}-${process.pid.toString(36)}-${(counted += 1)}`

/** The body of an answer that has to be a good one. */
export function good<Body>({ status, body }: Answer<Body>): Body {
  if (status >= 200 && status < 300) return body
  throw new Error(`Answered ${status}: ${JSON.stringify(body)}`)
}

/** Registers somebody; what is not said is made up. */
export async function register(
  app: Client,
  {
    email = `${fresh('person')}@example.org`,
    password = 'a good long password',
    ...more
  }: Partial<NewPerson> = {},
): Promise<Person> {
  const session = good(await app.post<Session>('/auth/register', { email, password, ...more }))
  return { client: app.as(session.token), session, password }
}
type NewPerson = { email: string; password: string; handle: string; display_name: string }

/** Makes an avee of the caller's. */
export async function makeAvee(
  client: Client,
  { handle = fresh('avee'), display_name = 'Ada', ...more }: Record<string, unknown> = {},
): Promise<Avee> {
  return good(await client.post<Avee>('/avees', { handle, display_name, ...more }))
}

/** A file as a browser sends it. */
export type NewFile = { name: string; content: string | Uint8Array<ArrayBuffer>; type?: string }

/** Uploads into the caller's library, or into an avee's documents at a layer, and waits; one result for each file. */
export async function upload(
  client: Client,
  files: NewFile[],
  to?: { avee: string; layer: Layer },
): Promise<IngestResult[]> {
  const form = new FormData()
  if (to) form.append('layer', to.layer)
  for (const { name, content, type } of files)
    form.append('files', new File([content], name, type ? { type } : {}))
  const path = to ? `/avees/${to.avee}/documents` : '/api/documents/upload'
  const events = await allEvents(await client.fetch(path, { method: 'POST', body: form }))
  return events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : []))
}

/** Opens a conversation with an avee, by handle or id. */
export async function converse(client: Client, avee: string): Promise<Conversation> {
  return good(await client.post<Conversation>('/conversations', { avee }))
}

/** The response of a question: its stream has begun, and may be read or left. */
export function askStream(
  client: Client,
  conversation: string,
  question: string,
  { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
) {
  return client.fetch('/chat/stream', {
    ...(signal ? { signal } : {}),
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ conversation_id: conversation, question }),
  })
}

/** Asks and waits for the whole answer. */
export async function ask(client: Client, conversation: string, question: string): Promise<SeenEvent[]> {
  return await allEvents(await askStream(client, conversation, question))
}

/** The shown branch of a conversation. */
export async function messagesOf(client: Client, conversation: string): Promise<Message[]> {
  const { messages } = good(
    await client.get<{ messages: Message[] }>(`/conversations/${conversation}/messages`),
  )
  return messages
}
