import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, createAvee, createConversation, registerUser, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test('lists the first six retrieved passages of an answer without citations, and the others on request', async () => {
  await using ollama = await startOllama()
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  const { client, session } = await registerUser(server)
  const avee = await createAvee(client, { handle: 'ada', display_name: 'Ada' })
  const files = Array.from({ length: 8 }, (_, i) => ({
    name: `mill-${i}.txt`,
    content: `Mill ${i} grinds rye from the valley with number ${i}.`,
  }))
  await uploadFiles(client, files, { avee: avee.id, layer: 'public' })
  const { id } = await createConversation(client, avee.id)
  ollama.script('/api/chat', { tokens: ['In the mills.'] })
  await ask(client, id, 'Which mills grind rye?')

  await using window = await openWindow(browser, `${server.url}/chat/ada/${id}`, {
    extraHTTPHeaders: { authorization: `Bearer ${session.token}` },
  })
  const answer = chatPage(window.page).answers.last()
  const passages = answer.getByRole('group', { name: 'Sources' })
  await passages.getByRole('heading', { name: 'Retrieved passages' }).waitFor()
  const titles = passages.getByRole('button', { name: /mill-\d/ })
  expect(await titles.count()).toBe(6)

  const more = passages.getByRole('button', { name: 'Show more' })
  await more.click()
  await more.waitFor({ state: 'detached' })
  expect(await titles.count()).toBe(8)
  await titles.last().click()
  await window.page.locator('mark', { hasText: 'grinds rye' }).waitFor()
  window.expectNoErrors()
})
