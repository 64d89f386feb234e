import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../app.ts'
import { createAvee, registerUser, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { openBrowser, openWindow } from './browser.ts'
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
  await page.getByLabel('Email').fill('grace@example.org')
  await page.getByLabel('Password').fill('a good long password')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('button', { name: /^Grace ?: account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()

  await using again = await openWindow(browser, `${server.url}/chat/ada`, { ignoredErrors: /401/ })
  await again.page.getByRole('heading', { name: 'Sign in to Gabee' }).waitFor()
  await again.page.getByLabel('Email').fill('grace@example.org')
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
  await page.getByLabel('Email').fill('visitor@example.org')
  await page.getByLabel('Password').fill(visitor.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Ahoy, I am Ada.').waitFor()
  const chat = chatPage(page)
  const secrets = /old mill|hidden cove/

  await chat.ask('Where does the boat of Ada lie at night?')
  await chat.lastAnswer.getByText('town quay').waitFor()
  await chat.waitUntilComplete()
  expect(await page.locator('body').innerText()).not.toMatch(secrets)
  const [first] = ollama.requestsTo('/api/chat')
  expect(JSON.stringify(first?.body)).toMatch(/retired sailor/)
  expect(JSON.stringify(first?.body)).not.toMatch(secrets)

  await owner.client.put(`/avees/${avee.id}/permissions/${visitor.session.user.id}`, { max_layer: 'friends' })
  await chat.ask('And where else does the boat of Ada lie at night?')
  await chat.answers.nth(1).locator('.markdown').waitFor()
  await chat.waitUntilComplete()
  const second = ollama.requestsTo('/api/chat').at(-1)
  expect(JSON.stringify(second?.body)).toMatch(/old mill/)
  expect(JSON.stringify(second?.body)).not.toMatch(/hidden cove/)

  await owner.client.delete(`/avees/${avee.id}/permissions/${visitor.session.user.id}`)
  await chat.ask('Tell me once more where the boat of Ada lies at night.')
  await chat.answers.nth(2).locator('.markdown').waitFor()
  await chat.waitUntilComplete()
  expect(JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)).not.toMatch(secrets)
  window.expectNoErrors()
})
