import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import { expectError, uuid7 } from '../conformance/contract.ts'

type Received = { headers: Record<string, string>; body: string }
type Created = { id: string; secret: string }
type Delivery = {
  id: string
  event: string
  status: string
  attempts: number
  response_status: number | null
  error: string | null
}

let app: TestApp
let owner: TestUser
let visitor: TestUser
let receiver: { url: string; statuses: number[]; received: Received[]; close(): void }

beforeAll(async () => {
  receiver = await startReceiver()
  app = await startApp({ WEBHOOK_ALLOWED_HOSTS: new URL(receiver.url).host })
  owner = await registerUser(app)
  visitor = await registerUser(app)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  receiver?.close()
})

async function startReceiver() {
  const received: Received[] = []
  const statuses: number[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString()
    })
    request.on('end', () => {
      received.push({ headers: request.headers as Record<string, string>, body })
      response.writeHead(statuses.shift() ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { url, statuses, received, close: () => server.close() }
}

const create = async (avee: string, more: object = {}) =>
  bodyOf(await owner.client.post<Created>(`/avees/${avee}/webhooks`, { url: receiver.url, ...more }))
const deliveriesOf = async (id: string) =>
  bodyOf(await owner.client.get<{ deliveries: Delivery[] }>(`/webhooks/${id}/deliveries`)).deliveries

test('a webhook notifies of answers, uploads and unanswered questions, signed and without text', async () => {
  const avee = await createAvee(owner.client)
  await owner.client.patch(`/avees/${avee.id}/insight/settings`, {
    share_unanswered: true,
    allow_pass_on: true,
  })
  const { id, secret } = await create(avee.id)
  receiver.statuses.push(503)
  await uploadFiles(owner.client, [{ name: 'a.txt', content: 'The lamp burns oil.' }], {
    avee: avee.id,
    layer: 'public',
  })
  const mine = await createConversation(owner.client, avee.id)
  await ask(owner.client, mine.id, 'What burns in the lamp?')
  const theirs = await createConversation(visitor.client, avee.id)
  const events = await ask(visitor.client, theirs.id, 'Who painted the ceiling of the chapel?')
  const started = events.find(({ data }) => data['event'] === 'start')?.data
  bodyOf(await visitor.client.post(`/messages/${String(started?.['message_id'])}/pass-on`, {}))
  // The upload was answered with 503; a retry would come after some seconds.
  await app.app.jobs.idle(['webhooks.deliver'])
  const refused = (await deliveriesOf(id)).find(({ event }) => event === 'ingest.finished')
  expect(refused).toMatchObject({ status: 'pending', attempts: 1, response_status: 503 })
  await app.app.jobs.runNow('webhooks.deliver', refused?.id)

  const deliveries = await deliveriesOf(id)
  for (const delivery of deliveries) expect(delivery.id).toMatch(uuid7)
  expect(deliveries.map(({ event, status }) => `${event} ${status}`).toSorted()).toEqual([
    'answer.finished delivered',
    'ingest.finished delivered',
    'question.unanswered delivered',
  ])
  expect(deliveries.find((each) => each.id === refused?.id)).toMatchObject({
    attempts: 2,
    response_status: 204,
  })

  const verified = receiver.received.map(
    ({ headers, body }) => new Webhook(secret).verify(body, headers) as { type: string; data: object },
  )
  expect(verified.find(({ type }) => type === 'answer.finished')?.data).toMatchObject({
    avee_id: avee.id,
    conversation_id: mine.id,
    status: 'complete',
  })
  expect(verified.find(({ type }) => type === 'question.unanswered')?.data).toEqual({
    avee_id: avee.id,
    question_id: started?.['user_message_id'],
  })
  expect(JSON.stringify(receiver.received)).not.toMatch(/lamp|ceiling/)
  expect(() =>
    new Webhook(secret).verify(`${receiver.received[0]?.body} `, receiver.received[0]?.headers ?? {}),
  ).toThrow()
})

test('a webhook belongs to the owner, reaches allowed addresses only and is deleted with the avee', async () => {
  const avee = await createAvee(owner.client)
  const { id } = await create(avee.id, { events: ['answer.finished'] })
  const path = `/avees/${avee.id}/webhooks`
  const listed = await owner.client.get<{ webhooks: object[] }>(path)
  expect(bodyOf(listed).webhooks).toMatchObject([{ id, url: receiver.url, events: ['answer.finished'] }])
  expect(JSON.stringify(listed.body)).not.toContain('whsec_')
  expectError(await visitor.client.get(path), 403)
  expectError(await visitor.client.post(path, { url: receiver.url }), 403)
  expectError(await visitor.client.get(`/webhooks/${id}/deliveries`), 404)
  expectError(await visitor.client.delete(`/webhooks/${id}`), 404)
  for (const url of ['http://127.0.0.1:9/', 'http://10.0.0.1/', 'http://[::1]/', 'https://a:b@example.org/'])
    expectError(await owner.client.post(path, { url }), 422)
  expect(expectError(await owner.client.post(path, { url: 'http://10.0.0.1/' }), 422).message).toBe(
    '10.0.0.1 is not on the public internet, and Gabee does not connect to its own machine or network. An administrator can allow the host with WEBHOOK_ALLOWED_HOSTS.',
  )

  const stored = app.app.database.db.selectFrom('webhooks').select('secret').where('id', '=', id)
  expect((await stored.executeTakeFirstOrThrow()).secret).not.toContain('whsec_')
  bodyOf(await owner.client.delete(`/webhooks/${id}`))
  expectError(await owner.client.get(`/webhooks/${id}/deliveries`), 404)
  await create(avee.id)
  bodyOf(await owner.client.delete(`/avees/${avee.id}`))
  expect(
    await app.app.database.db.selectFrom('webhooks').select('id').where('avee_id', '=', avee.id).execute(),
  ).toEqual([])
})
