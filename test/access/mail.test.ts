import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, registerUser, type TestUser } from '../builders.ts'
import { expectError } from '../conformance/contract.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type MailServer, startMailServer } from '../mail-server.ts'

const publicUrl = 'https://gabee.example'

describe.each(ONE_DATABASE)('mails on %s', (kind) => {
  let mailServer: MailServer
  let app: TestApp
  let admin: TestUser
  beforeAll(async () => {
    mailServer = await startMailServer()
    app = await startApp({ SMTP_URL: mailServer.url, PUBLIC_URL: publicUrl }, kind)
    admin = await registerUser(app, { email: 'admin@example.org' })
  })
  beforeEach(() => {
    mailServer.mails.length = 0
    mailServer.isRefusing = false
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await mailServer[Symbol.asyncDispose]()
  })

  /** Requests a link, and returns the response once all mails are sent. */
  async function forget(email: string) {
    // An attacker may send any host; the link must not contain it.
    const headers = { host: 'attacker.example', 'x-forwarded-host': 'attacker.example' }
    const response = await app.post('/auth/forgot-password', { email }, { headers })
    await app.app.jobs.idle(['accounts.reset-mail'])
    return response
  }
  const linkIn = (n: number) => new URL(/https?:\S+#\S+/.exec(mailServer.mails[n]?.text ?? '')?.[0] ?? '')
  const valueIn = (link: URL, name: string) => new URLSearchParams(link.hash.slice(1)).get(name)

  test('a link for a new password goes to the user only, and does not reveal who has an account', async () => {
    expect(bodyOf(await app.get('/auth/state'))).toMatchObject({ mail: true })
    const user = await registerUser(app)
    const email = user.session.user.email ?? ''
    const [known, unknown] = [await forget(email.toUpperCase()), await forget('nobody@example.org')]
    expect([known.status, known.body]).toEqual([200, { ok: true }])
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body])
    expect(mailServer.mails).toHaveLength(1)
    expect(mailServer.mails[0]).toMatchObject({
      from: { address: 'gabee@gabee.example' },
      to: [{ address: email }],
    })
    expect(`${linkIn(0).origin}${linkIn(0).pathname}`).toBe(`${publicUrl}/login`)

    const token = valueIn(linkIn(0), 'reset')
    const reset = () => app.post('/auth/reset', { token, new_password: 'another long password' })
    expect((await reset()).status).toBe(200)
    expectError(await reset(), 403, 'reset_link_invalid')
    expect((await user.client.get('/me')).status).toBe(401)
    expect((await app.post('/auth/login', { email, password: 'another long password' })).status).toBe(200)
  })

  test('a link expires after an hour', async () => {
    const user = await registerUser(app)
    await forget(user.session.user.email ?? '')
    const { expires_at } = await app.app.database.db
      .selectFrom('password_resets')
      .select('expires_at')
      .where('user_id', '=', user.session.user.id)
      .executeTakeFirstOrThrow()
    const minutes = (expires_at.getTime() - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(30)
    expect(minutes).toBeLessThanOrEqual(60)
  })

  test('one account gets at most three links an hour, and a disabled one none', async () => {
    const { email } = (await registerUser(app)).session.user
    for (let n = 0; n < 5; n++) expect((await forget(email ?? '')).status).toBe(200)
    expect(mailServer.mails).toHaveLength(3)
    const disabled = (await registerUser(app)).session.user
    bodyOf(await admin.client.patch(`/admin/users/${disabled.id}`, { disabled: true }))
    expect((await forget(disabled.email ?? '')).status).toBe(200)
    expect(mailServer.mails).toHaveLength(3)
  })

  test('an invitation is mailed to its address, and its link returned where that fails', async () => {
    const invite = async (fields: object) =>
      bodyOf(await admin.client.post<{ token: string; mailed: boolean }>('/invitations', fields))
    const { token, mailed } = await invite({ email: 'ann@example.org' })
    expect(mailed).toBe(true)
    expect(mailServer.mails[0]).toMatchObject({ to: [{ address: 'ann@example.org' }] })
    expect(valueIn(linkIn(0), 'invitation')).toBe(token)

    expect(await invite({})).toMatchObject({ mailed: false })
    mailServer.isRefusing = true
    expect(await invite({ email: 'bob@example.org' })).toMatchObject({ mailed: false })
    expect(mailServer.mails).toHaveLength(1)
  })

  test('one address requests at most twenty links an hour', async () => {
    const statuses: number[] = []
    while (statuses.at(-1) !== 429 && statuses.length < 25)
      statuses.push((await forget('nobody@example.org')).status)
    expect(statuses.at(-1)).toBe(429)
  })
})
