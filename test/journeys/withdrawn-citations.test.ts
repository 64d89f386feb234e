import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, bodyOf, createAvee, createConversation, registerUser, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test.each([1280, 390])(
  'shows citations of deleted and hidden documents without title and link, %i pixels wide',
  async (width) => {
    await using ollama = await startOllama()
    await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
    const owner = await registerUser(server)
    const visitor = await registerUser(server)
    const avee = await createAvee(owner.client, { handle: 'ada', display_name: 'Ada' })
    const [mill, bakery, harbour] = await uploadFiles(
      owner.client,
      ['The mill grinds rye.', 'The bakery of the mill sells rye bread.', 'The harbour ships rye.'].map(
        (content, i) => ({ name: `report-${i}.txt`, content }),
      ),
      { avee: avee.id, layer: 'public' },
    )
    const { id } = await createConversation(visitor.client, avee.id)
    ollama.script('/api/chat', { tokens: ['Rye [1],', ' rye [2]', ' and rye [3].'] })
    await ask(visitor.client, id, 'Where is the rye of the mill, the bakery and the harbour?')
    bodyOf(await owner.client.delete(`/documents/${mill?.doc_id}`))
    bodyOf(await owner.client.patch(`/documents/${bakery?.doc_id}`, { layer: 'friends' }))
    expect(harbour?.success).toBe(true)

    await using window = await openWindow(browser, `${server.url}/chat/ada/${id}`, {
      viewport: { width, height: 800 },
      extraHTTPHeaders: { authorization: `Bearer ${visitor.session.token}` },
    })
    const answer = chatPage(window.page).answers.last()
    const sources = answer.getByRole('group', { name: 'Sources' })
    await sources.getByText('Document deleted').waitFor()
    await sources.getByText('You no longer have access').waitFor()
    expect(await sources.getByRole('button').count()).toBe(1)
    expect(await answer.textContent()).not.toMatch(/report-[01]/)
    for (const name of ['Document deleted', 'You no longer have access'])
      expect(await answer.getByRole('button', { name: new RegExp(`Source \\d: ${name}`) }).isDisabled()).toBe(
        true,
      )

    await sources.getByRole('button').click()
    await window.page.getByText('1/1').waitFor()
    await window.page.locator('mark', { hasText: 'harbour' }).waitFor()
    window.expectNoErrors()
  },
)
