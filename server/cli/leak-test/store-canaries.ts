import { type Layer, layers } from '../../../contract/layers.ts'
import type { LeakRequests } from './requests.ts'

export const users = [
  'admin',
  'owner',
  'intimate',
  'friend',
  'acquaintance',
  'follower',
  'stranger',
  'former',
]
export const question = 'What does the keeper of the lighthouse write?'
const password = 'a good long password'

type Asked = { conversation: string; message: string }
export type StoredCanaries = Awaited<ReturnType<typeof storeCanaries>>

/**
 * Registers the callers and stores canaries at every layer, then revokes the access of some. Returns ids of objects.
 */
export async function storeCanaries({ tokens, canary, prepare }: LeakRequests) {
  // Users, avees, permissions.
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
  /** A user, and the API key with the same access. */
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

  // Data that belongs to one user each.
  const asked: Asked[] = []
  /** Users whose conversations have a file; those of the others would take as many requests again. */
  const attaching = ['owner', 'friend', 'former']
  const ask = async (user: string, avee: string, text: string): Promise<Asked> => {
    const { id } = await prepare<{ id: string }>(user, 'POST', '/conversations', { avee })
    if (attaching.includes(user)) {
      const place = `an attachment of ${user} (${asked.length})`
      // The other avee becomes private.
      const readers = avee === open ? readersLike(user) : []
      await upload(user, '/attachments', place, readers, { conversation_id: id })
    }
    const answer = await prepare<{ message_id: string }>(user, 'POST', '/chat/ask', {
      conversation_id: id,
      question: text,
    })
    return { conversation: id, message: answer.message_id }
  }
  // Private data is protected in the same way for every user, so it is stored for some of them only.
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

  // Access is revoked.
  await prepare('owner', 'DELETE', `/avees/${open}/permissions/${userIds['former']}`)
  await prepare('owner', 'PATCH', `/avees/${closed}`, { visibility: 'private' })
  return { open, closed, other, asked, links, deletions, webhooks: [webhook.id] }
}
