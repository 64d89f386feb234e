import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAvee, registerUser, type TestUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { type BrowserWindow, openBrowser, openWindow, waitUntil } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

const engine = `# The Analytical Engine

## Origins

The engine was designed by Charles Babbage in 1837. It was never completed, because the money ran out.

## Weaving

The loom of Jacquard inspired the punched cards. The engine weaves algebraic patterns at 40 per minute.

## Mill of Babbage

The mill performs arithmetic. It can add two numbers in three seconds.
`

/** Opens a page as a signed-in user. */
async function openAs(server: TestClient, user: TestUser, path: string): Promise<BrowserWindow> {
  const window = await openWindow(browser, `${server.url}/login?next=${path}`, { ignoredErrors: /401/ })
  await window.page.getByLabel('E-mail').fill(user.session.user.email ?? '')
  await window.page.getByLabel('Password').fill(user.password)
  await window.page.getByRole('button', { name: 'Sign in' }).click()
  return window
}

test('the owner replies to a visitor’s unanswered question, and the reply becomes a document', async () => {
  await using ollama = await startOllama()
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  const owner = await registerUser(server, { email: 'owner@example.org', display_name: 'Owner' })
  const visitor = await registerUser(server, { email: 'visitor@example.org', display_name: 'Bo' })
  const avee = await createAvee(owner.client, { handle: 'engine', display_name: 'Engine' })
  await uploadFiles(owner.client, [{ name: 'engine.md', content: engine }], {
    avee: avee.id,
    layer: 'public',
  })

  await using desk = await openAs(server, owner, '/avee/engine')
  await desk.page.getByRole('link', { name: 'Insight' }).click()
  await desk.page.getByRole('tab', { name: 'Settings' }).click()
  for (const name of [/unanswered questions/, /questions from visitors/]) {
    const choice = desk.page.getByRole('switch', { name })
    await choice.click()
    await expect.poll(() => choice.isChecked()).toBe(true)
  }

  await using window = await openAs(server, visitor, '/chat/engine')
  const chat = chatPage(window.page)
  await window.page.getByText('can see questions it cannot answer').waitFor()
  await window.page.getByRole('button', { name: 'Allow' }).click()
  ollama.script('/api/chat', { tokens: ['The documents do not say.'] })
  await chat.ask('Who insured the engine against fire?')
  await chat.waitUntilComplete()
  await window.page.getByRole('button', { name: 'Ask the owner of Engine' }).click()
  await window.page.getByLabel('Note (optional)').fill('For my book.')
  await window.page.getByRole('button', { name: 'Send' }).click()
  await window.page.getByText('The reply will appear in this conversation').first().waitFor()
  // A reply that arrives while its conversation is open is not new.
  await window.page.goto(`${server.url}/memory`)

  await desk.page.setViewportSize({ width: 390, height: 844 })
  await desk.page.reload()
  await desk.page.getByRole('button', { name: 'Menu: questions waiting' }).click()
  await desk.page.getByRole('link', { name: '1 question for Engine' }).click()
  await desk.page.setViewportSize({ width: 1280, height: 800 })
  const card = desk.page
    .getByRole('listitem')
    .filter({ hasText: 'Who insured the engine against fire?' })
    .first()
  await card.getByText('For my book.').waitFor()
  await card.getByRole('button', { name: 'Answer' }).click()
  await desk.page.getByLabel('Your answer').fill('Ada Lovelace insured the engine.')
  await desk.page.getByRole('button', { name: 'Reply' }).click()
  await desk.page.getByText('No open questions').waitFor()

  await window.page.setViewportSize({ width: 390, height: 844 })
  await window.page.reload()
  await window.page.getByRole('button', { name: 'Menu: new reply' }).click()
  await window.page.getByRole('link', { name: /has a new reply/ }).click()
  await window.page.getByText('Ada Lovelace insured the engine.').waitFor()
  await window.page.getByText('The owner of this avee replied.').waitFor()
  const { body } = await visitor.client.post<{ results: { text: string }[] }>('/search', {
    avee: 'engine',
    query: 'Who insured the engine against fire?',
  })
  expect(body.results[0]?.text).toContain('Ada Lovelace')
  desk.expectNoErrors()
})

test('stores feedback, suggests follow-up questions and shows insight', async () => {
  await using ollama = await startOllama()
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  const avee = await createAvee(server, { handle: 'engine', display_name: 'Engine' })
  await uploadFiles(server, [{ name: 'engine.md', content: engine }], { avee: avee.id, layer: 'public' })
  await using window = await openWindow(browser, `${server.url}/chat/engine`)
  const { page } = window
  const chat = chatPage(page)
  ollama.script('/api/chat', {
    tokens: ['It weaves 40 patterns per minute [1]. ', 'It was painted blue in 1822.'],
  })
  await chat.ask('How fast does the engine weave patterns?')
  await chat.waitUntilComplete()
  const up = page.getByRole('button', { name: 'Good answer' })
  await up.click()
  await waitUntil(
    () => up.getAttribute('aria-pressed'),
    (pressed) => pressed === 'true',
  )
  await page.reload()
  await waitUntil(
    () => up.getAttribute('aria-pressed'),
    (pressed) => pressed === 'true',
  )
  await page.getByRole('button', { name: 'Add reason' }).click()
  await page.getByLabel('Reason').fill('The short sentences.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Added to the persona notes of Engine').first().waitFor()
  const { body } = await server.get<{ persona_notes: string }>('/avees/engine')
  expect(body.persona_notes).toBe('- Your owner likes: The short sentences.')

  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Insight' }).click()
  await page.getByRole('complementary', { name: 'Insight' }).getByText(/1822/).waitFor()
  await page.keyboard.press('Escape')

  const next = page
    .getByRole('region', { name: 'Follow-up questions' })
    .getByRole('button', { name: /Mill of Babbage/ })
  ollama.script('/api/chat', { tokens: ['It adds two numbers in three seconds [1].'] })
  await next.click()
  await chat.lastAnswer.getByText('two numbers').waitFor()
  expect(await chat.questions.last().innerText()).toContain('Mill of Babbage')
  await chat.waitUntilComplete()
  // Answers count when they have been analyzed, after their end.
  await waitUntil(
    async () => (await server.get<{ totals: { turns: number } }>('/avees/engine/insight')).body.totals.turns,
    (turns) => turns === 2,
  )

  await page.goto(`${server.url}/avee/engine/insight`)
  await page.getByRole('img', { name: /Answers per day/ }).waitFor()
  expect(await page.getByRole('definition').first().innerText()).toBe('2')
  window.expectNoErrors()
})
