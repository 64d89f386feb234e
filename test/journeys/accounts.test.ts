import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TOTP } from 'otpauth'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAvee, registerUser, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test('the first account takes over existing data, and signing in returns to the requested page', async () => {
  await using server = await startServer()
  await createAvee(server, { handle: 'ada', display_name: 'Ada' })
  await using window = await openWindow(browser, `${server.url}/login`)
  const { page } = window
  await page.getByText('This is the first account.').waitFor()
  await page.getByLabel('Name').fill('Grace')
  await page.getByLabel('E-mail').fill('grace@example.org')
  await page.getByLabel('Password').fill('a good long password')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('button', { name: /^Grace ?: account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()

  await using again = await openWindow(browser, `${server.url}/chat/ada`, { ignoredErrors: /401/ })
  await again.page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
  await again.page.getByText('to chat with Ada').waitFor()
  await again.page.getByLabel('E-mail').fill('grace@example.org')
  await again.page.getByLabel('Password').fill('not the password')
  await again.page.getByRole('button', { name: 'Sign in' }).click()
  await again.page
    .getByText(/password/i)
    .filter({ hasText: /wrong|not right|incorrect|do not/i })
    .first()
    .waitFor()
  await again.page.getByLabel('Password').fill('a good long password')
  await again.page.getByRole('button', { name: 'Sign in' }).click()
  await again.page.getByText('Start a conversation with Ada.').waitFor()
  expect(new URL(again.page.url()).pathname).toBe('/chat/ada')
})

test('a user who signs in finds no data of the previous user in the browser, signed out or not', async () => {
  await using server = await startServer()
  await registerUser(server, { email: 'ann@example.org', display_name: 'Ann', password })
  await registerUser(server, { email: 'bo@example.org', display_name: 'Bo', password })
  await using window = await openWindow(browser, `${server.url}/login`, {
    serviceWorkers: 'allow',
    ignoredErrors: /401/,
  })
  const { page } = window
  const { input } = chatPage(page)
  const kept = () =>
    page.evaluate(async () => ({
      responses: (await (await caches.open('read')).keys()).length,
      texts: Object.keys(localStorage).filter((name) => name.includes(':')),
    }))
  const signInAndWrite = async () => {
    await fill(page, { 'E-mail': 'ann@example.org', Password: password })
    await press(page, 'Sign in')
    await page.getByRole('button', { name: /^Ann ?: account/ }).waitFor()
    await page.goto(`${server.url}/chat/local`)
    await input.fill('Ann’s secret.')
    await waitUntil(kept, ({ responses, texts }) => responses > 0 && texts.length > 0)
  }
  await signInAndWrite()
  await page.getByRole('button', { name: /^Ann ?: account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
  expect(await kept()).toEqual({ responses: 0, texts: [] })

  await signInAndWrite()
  const elsewhere = await server.post<{ token: string }>('/auth/login', {
    email: 'ann@example.org',
    password,
  })
  await server.as(elsewhere.body.token).delete('/sessions')
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
  await fill(page, { 'E-mail': 'bo@example.org', Password: password })
  await press(page, 'Sign in')
  await page.getByRole('button', { name: /^Bo ?: account/ }).waitFor()
  await page.goto(`${server.url}/chat/local`)
  await input.waitFor()
  expect(await input.inputValue()).toBe('')
  window.expectNoErrors()
})

test('answers to a visitor use the documents of the granted layers only', async () => {
  await using ollama = await startOllama()
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  const owner = await registerUser(server, { email: 'owner@example.org', display_name: 'Owner' })
  const visitor = await registerUser(server, { email: 'visitor@example.org', display_name: 'Visitor' })
  const avee = await createAvee(owner.client, {
    handle: 'ada',
    display_name: 'Ada',
    persona: 'A retired sailor who answers briefly.',
    greeting: 'Ahoy, I am Ada.',
  })
  const note = (layer: string, place: string) => ({
    name: `${layer}.md`,
    content: `The boat of Ada lies at the ${place} at night.`,
  })
  await uploadFiles(owner.client, [note('public', 'town quay')], { avee: avee.id, layer: 'public' })
  await uploadFiles(owner.client, [note('friends', 'old mill')], { avee: avee.id, layer: 'friends' })
  await uploadFiles(owner.client, [note('intimate', 'hidden cove')], { avee: avee.id, layer: 'intimate' })

  await using window = await openWindow(browser, `${server.url}/login?next=/chat/ada`, {
    ignoredErrors: /401/,
  })
  const { page } = window
  await page.getByLabel('E-mail').fill('visitor@example.org')
  await page.getByLabel('Password').fill(visitor.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Ahoy, I am Ada.').waitFor()
  const chat = chatPage(page)
  const secrets = /old mill|hidden cove/
  /** Asks a question and waits until the answer is complete and the page knows which questions could follow it. */
  const ask = async (question: string) => {
    const analyzed = page.waitForResponse(/\/intelligence$/)
    await chat.ask(question)
    await analyzed
    await chat.waitUntilComplete()
  }

  await ask('Where does the boat of Ada lie at night?')
  await chat.lastAnswer.getByText('town quay').waitFor()
  expect(await page.locator('body').innerText()).not.toMatch(secrets)
  const [first] = ollama.requestsTo('/api/chat')
  expect(JSON.stringify(first?.body)).toMatch(/retired sailor/)
  expect(JSON.stringify(first?.body)).not.toMatch(secrets)

  await owner.client.put(`/avees/${avee.id}/permissions/${visitor.session.user.id}`, { max_layer: 'friends' })
  await ask('And where else does the boat of Ada lie at night?')
  const second = ollama.requestsTo('/api/chat').at(-1)
  expect(JSON.stringify(second?.body)).toMatch(/old mill/)
  expect(JSON.stringify(second?.body)).not.toMatch(/hidden cove/)

  await owner.client.delete(`/avees/${avee.id}/permissions/${visitor.session.user.id}`)
  await ask('Tell me once more where the boat of Ada lies at night.')
  expect(JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)).not.toMatch(secrets)
  window.expectNoErrors()

  const starter = 'Where is the boat of Ada at night?'
  await owner.client.patch(`/avees/${avee.id}`, { anonymous: true, example_questions: [starter] })
  await using open = await openWindow(browser, `${server.url}/@ada`, { ignoredErrors: /401/ })
  await open.page.getByText('Ahoy, I am Ada.').waitFor()
  const openChat = chatPage(open.page)
  await open.page.getByText('Ada is an avee: an AI persona').waitFor()
  await open.page.getByRole('button', { name: starter }).click()
  await openChat.waitUntilComplete()
  expect(JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)).not.toMatch(secrets)
  await open.page.getByRole('link', { name: 'Sign in to keep this conversation' }).click()
  await fill(open.page, { 'E-mail': 'visitor@example.org', Password: visitor.password })
  await press(open.page, 'Sign in')
  await open.page.getByRole('complementary', { name: 'Sidebar' }).waitFor()
  await openChat.questions.getByText(starter).waitFor()

  await open.page.getByRole('button', { name: 'More', exact: true }).click()
  await open.page.getByRole('menuitem', { name: 'Share' }).click()
  await press(open.page, 'Create link')
  const link = await open.page.getByRole('dialog').locator('code').innerText()
  await using shared = await openWindow(browser, link)
  await shared.page.getByRole('article', { name: 'Question' }).getByText(starter).waitFor()
  await shared.page.getByRole('article', { name: 'Answer from Ada' }).waitFor()
  expect(await shared.page.locator('body').innerText()).not.toMatch(secrets)
  shared.expectNoErrors()
  open.expectNoErrors()
})

/** Serves a page that may load only the script and frames of a Gabee server. */
async function startWebsite(gabee: string, body: string) {
  const policy = `default-src 'none'; script-src ${gabee}; frame-src ${gabee}; img-src data:`
  const website = createServer((_request, response) => {
    response.setHeader('content-security-policy', policy).setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>Website</title><link rel="icon" href="data:,">${body}`)
  })
  await once(website.listen(0, '127.0.0.1'), 'listening')
  const { port } = website.address() as AddressInfo
  return { port, [Symbol.dispose]: () => website.close().closeAllConnections() }
}

test('websites that the owner lists show an open avee in a frame, and others do not', async () => {
  await using server = await startServer()
  const avee = await createAvee(server, { handle: 'ada', display_name: 'Ada', greeting: 'Ahoy, I am Ada.' })
  await uploadFiles(server, [{ name: 'boat.md', content: 'The boat of Ada is called Nutshell.' }], {
    avee: avee.id,
    layer: 'public',
  })
  const body = `<h1>Welcome</h1><script async src="${server.url}/embed.js" data-avee="ada"></script>`
  using website = await startWebsite(server.url, body)
  // For the browser this is another site than that of the server, so its frames have no storage.
  const elsewhere = `http://localhost:${website.port}`
  const sameSite = `http://127.0.0.1:${website.port}`

  await using studio = await openWindow(browser, `${server.url}/avee/ada`)
  await studio.page.getByLabel('Open to visitors without an account').check()
  await fill(studio.page, { 'Websites that may show this avee': `${elsewhere}/shop\n` })
  await studio.page
    .getByRole('group', { name: 'Code for your website' })
    .getByText('data-avee="ada"')
    .waitFor()
  await press(studio.page, 'Save')
  await studio.page.getByText('Changes saved.').first().waitFor()
  studio.expectNoErrors()

  const ignoredErrors = new RegExp(`^request to ${server.url}`)
  const partsOf = (page: Page) => ({
    launcher: page.getByRole('button', { name: 'Chat' }),
    panel: page.getByRole('dialog', { name: 'Chat' }),
    frame: page.frameLocator('iframe'),
    answer: page.frameLocator('iframe').getByRole('article', { name: /^Answer from/ }),
  })
  await using unlisted = await openWindow(browser, sameSite, { ignoredErrors })
  const refused = partsOf(unlisted.page)
  await refused.launcher.click()
  await expect.poll(() => unlisted.page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/')
  await press(unlisted.page, 'Close')
  await refused.panel.waitFor({ state: 'hidden' })

  await using listed = await openWindow(browser, elsewhere, { ignoredErrors })
  const shown = partsOf(listed.page)
  await shown.launcher.press('Enter')
  await shown.frame.getByText('Ahoy, I am Ada.').waitFor()
  await listed.page.keyboard.type('What is the boat of Ada called?')
  await listed.page.keyboard.press('Enter')
  await shown.answer.getByText('Nutshell').first().waitFor()
  await listed.page.keyboard.press('Escape')
  await shown.panel.waitFor({ state: 'hidden' })
  // The dialog announces that it is closed after it is hidden.
  await waitUntil(
    () => shown.launcher.evaluate((button) => button.matches(':focus')),
    (hasFocus) => hasFocus,
  )
  listed.expectNoErrors()
  // The conversation belongs to a visitor, although other requests of this machine act as the owner.
  expect((await server.get<{ conversations: object[] }>('/conversations')).body.conversations).toEqual([])

  await server.patch(`/avees/${avee.id}`, { embed_origins: [elsewhere, sameSite] })
  const viewport = { width: 390, height: 844 }
  await using phone = await openWindow(browser, sameSite, { ignoredErrors, viewport })
  const { launcher, panel, frame, answer } = partsOf(phone.page)
  await launcher.click()
  await frame.getByRole('textbox', { name: 'Ask Ada' }).fill('What is the boat of Ada called?')
  await frame.getByRole('button', { name: 'Ask', exact: true }).click()
  await answer.getByText('Nutshell').first().waitFor()
  await phone.page.reload()
  await launcher.click()
  await answer.getByText('Nutshell').first().waitFor()
  expect(await panel.boundingBox()).toEqual({ x: 0, y: 0, ...viewport })
  await frame.getByRole('button', { name: 'Close', exact: true }).click()
  await panel.waitFor({ state: 'hidden' })
  phone.expectNoErrors()
})

const password = 'a good long password'

async function fill(within: Page | Locator, fields: Record<string, string>): Promise<void> {
  for (const [label, text] of Object.entries(fields))
    await within.getByLabel(label, { exact: true }).fill(text)
}
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click()

/** Gives the page's browser a passkey store that confirms everything, as a fingerprint would. */
async function addVirtualAuthenticator(page: Page): Promise<void> {
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

test('the first account needs the setup token, and signs in with an app, a recovery code and a passkey', async () => {
  await using server = await startServer({ HOST: '0.0.0.0' })
  // Passkeys need a host name.
  const origin = `http://localhost:${server.port}`
  const fragment = await waitUntil(
    () => /#setup_token=\S+/.exec(server.output())?.[0],
    (found) => found !== undefined,
  )
  // Signing out ends requests of the page in flight.
  await using window = await openWindow(browser, `${origin}/login${fragment}`, { ignoredErrors: /401/ })
  const { page } = window
  await fill(page, { Name: 'Grace', 'E-mail': 'grace@example.org', Password: password })
  await press(page, 'Create account')
  await page.getByRole('button', { name: /^Grace ?: account/ }).waitFor()
  const signIn = async () => {
    await page.getByRole('button', { name: /^Grace ?: account/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
    await fill(page, { 'E-mail': 'grace@example.org', Password: password })
    await press(page, 'Sign in')
    await page.getByRole('heading', { name: 'Confirm that it’s you' }).waitFor()
  }
  const openSettings = async () => {
    await page.goto(`${origin}/settings`)
    await page.getByRole('heading', { name: 'Sign-in security' }).waitFor()
  }

  await openSettings()
  await press(page, 'Set up')
  const dialog = page.getByRole('dialog')
  await fill(dialog, { 'Current password': password })
  await press(page, 'Continue')
  await page.getByAltText('QR code of the secret').waitFor()
  const secret = (await page.locator('.secret').innerText()).replaceAll(/\s/g, '')
  const codeAt = (timestamp: number) => new TOTP({ secret }).generate({ timestamp })
  await fill(dialog, { Code: codeAt(Date.now()) })
  await press(page, 'Turn on')
  const shownCodes = page.locator('.recovery-codes code')
  await shownCodes.first().waitFor()
  const recoveryCodes = await shownCodes.allInnerTexts()
  expect(recoveryCodes).toHaveLength(10)
  await press(page, 'Done')

  await signIn()
  // The code of the current time step is used; that of the next one is already accepted.
  await fill(page, { Code: codeAt(Date.now() + 30_000) })
  await press(page, 'Sign in')
  await page.getByRole('button', { name: /^Grace ?: account/ }).waitFor()
  await signIn()
  await press(page, 'Use a recovery code')
  await fill(page, { 'Recovery code': recoveryCodes[0] ?? '' })
  await press(page, 'Sign in')
  await page.getByRole('button', { name: /^Grace ?: account/ }).waitFor()

  await addVirtualAuthenticator(page)
  await openSettings()
  await page.getByText('9 unused').waitFor()
  await press(page, 'Add passkey')
  await fill(dialog, { Name: 'My laptop', 'Current password': password })
  await press(page, 'Continue')
  await page.getByText('My laptop').waitFor()
  await signIn()
  await press(page, 'Use your passkey')
  await page.getByRole('button', { name: /^Grace ?: account/ }).waitFor()
  await openSettings()
  await page.getByText(/Passkey · .* Last used/).waitFor()
  window.expectNoErrors()
})

test('an administrator invites a user, who later gets a password link, is disabled and deleted', async () => {
  await using server = await startServer({ REGISTRATION: 'invite' })
  await registerUser(server, { email: 'admin@example.org', password })
  await using window = await openWindow(browser, `${server.url}/login?next=/administration`, {
    ignoredErrors: /401/,
  })
  const { page } = window
  await fill(page, { 'E-mail': 'admin@example.org', Password: password })
  await press(page, 'Sign in')
  await press(page, 'Invite')
  await press(page, 'Create invitation')
  const link = page.locator('.new-secret code')
  const url = await link.innerText()
  await press(page, 'Done')
  await using invited = await openWindow(browser, url)
  await fill(invited.page, { Name: 'Ann', 'E-mail': 'ann@example.org', Password: password })
  await press(invited.page, 'Create account')
  await invited.page.getByRole('button', { name: /^Ann ?: account/ }).waitFor()

  await invited.page.goto(`${server.url}/administration`)
  await invited.page.getByText('Only administrators of this server can open this page.').waitFor()

  await page.reload()
  const select = async (action: string) => {
    await press(page, 'Actions for Ann')
    await page.getByRole('menuitem', { name: action }).click()
  }
  await select('Create password link')
  await using again = await openWindow(browser, await link.innerText(), { ignoredErrors: /401/ })
  await fill(again.page, { 'New password': 'another long password' })
  await press(again.page, 'Set password')
  await fill(again.page, { 'E-mail': 'ann@example.org', Password: 'another long password' })
  await press(again.page, 'Sign in')
  await again.page.getByRole('button', { name: /^Ann ?: account/ }).waitFor()

  await press(page, 'Done')
  await select('Disable')
  await press(page, 'Disable')
  await page.getByText('Disabled').waitFor()
  await again.page.reload()
  await again.page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
  await select('Delete')
  await press(page, 'Delete')
  await page.getByText('ann@example.org').waitFor({ state: 'detached' })
  await page.getByRole('tab', { name: 'Activity' }).click()
  await page.getByText('user.delete').waitFor()
  window.expectNoErrors()
  again.expectNoErrors()
})
