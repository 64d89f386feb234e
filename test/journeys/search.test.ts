import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, bodyOf, createAvee, createConversation, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { createPdf } from '../pdf.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test.each([1280, 390])(
  'finds passages, conversations and memories and opens each, %i pixels wide',
  async (width) => {
    await using ollama = await startOllama()
    await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
    const avee = await createAvee(server, { handle: 'ada', display_name: 'Ada' })
    await uploadFiles(server, [
      {
        name: 'handbook.pdf',
        content: createPdf([
          'The lighthouse was painted white and red by the keepers of the coast.',
          'The harbour of Vellmar opens at dawn and closes when the last ferry has landed.',
        ]),
      },
    ])
    await uploadFiles(server, [{ name: 'mill.md', content: 'The mill grinds rye on Mondays.' }], {
      avee: avee.id,
      layer: 'friends',
    })
    const { id } = await createConversation(server, avee.id)
    ollama.script('/api/chat', { tokens: ['It is closed on Sundays.'] })
    await ask(server, id, 'Who grinds rye at the mill?')
    for (const text of ['Hello', 'Tell me more', 'Thank you'])
      await ask(server, id, `${text}, ${'and more. '.repeat(200)}`)
    bodyOf(await server.post('/memories', { avee: avee.id, content: 'Bakes with rye.' }))
    await using window = await openWindow(browser, `${server.url}/library`, {
      viewport: { width, height: 800 },
    })
    const { page } = window
    await page.getByRole('heading', { level: 1 }).waitFor()
    if (width < 500) {
      await page.getByRole('button', { name: /menu/i }).click()
      await page.getByRole('link', { name: 'Search' }).click()
    } else await page.keyboard.press('Control+K')
    await page.getByRole('heading', { name: 'Search', level: 1 }).waitFor()

    const field = page.getByRole('searchbox', { name: 'Search everything' })
    await field.fill('ada')
    await field.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('Start a conversation with Ada.').waitFor()
    await page.locator('main').click()
    await page.getByRole('textbox', { name: 'Ask Ada' }).blur()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.goBack()
    await field.fill('When does the harbour of Vellmar open?')
    await field.press('Enter')
    const first = page.getByRole('list', { name: 'Results' }).getByRole('listitem').first()
    await first.getByText('Page 2').waitFor()
    expect(await first.locator('mark').allTextContents()).toEqual(['harbour', 'Vellmar', 'opens', 'when'])

    await page.reload()
    await first.getByRole('button').click()
    const dialog = page.getByRole('dialog', { name: 'handbook' })
    await dialog.locator('mark', { hasText: 'opens at dawn' }).waitFor({ state: 'attached' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await field.fill('mill rye ')
    const results = page.getByRole('list', { name: 'Results' }).getByRole('listitem')
    for (const kind of ['Document', 'Conversation', 'Memory'])
      await results
        .filter({ has: page.getByLabel(kind) })
        .first()
        .waitFor()
    await page.getByRole('combobox', { name: 'Search in' }).selectOption({ label: 'Ada' })
    await page.getByRole('combobox', { name: 'Show' }).selectOption({ label: 'Documents' })
    await first.getByText('Friends').waitFor()
    expect(await first.locator('mark').allTextContents()).toEqual(['mill'])

    await page.getByRole('combobox', { name: 'Show' }).selectOption({ label: 'Conversations' })
    await results.getByText('Who grinds').waitFor()
    // On a busy machine, scroll events arrive late, while the conversation still scrolls to the message.
    await page.evaluate(() => {
      const repeat = () => {
        document.querySelector('.thread')?.dispatchEvent(new Event('scroll'))
        requestAnimationFrame(repeat)
      }
      repeat()
    })
    await field.press('ArrowDown')
    await page.keyboard.press('Enter')
    const foundQuestion = page.getByText('Who grinds rye at the mill?').last()
    await waitUntil(
      () => foundQuestion.boundingBox(),
      (box) => box !== null && box.y > 0,
    )
    await page.goBack()
    await page.getByRole('combobox', { name: 'Show' }).selectOption({ label: 'Memories' })
    await results.getByRole('link').click()
    await page.getByRole('heading', { name: 'Memory', level: 1 }).waitFor()
    await page.getByText('Bakes with rye.').waitFor()
    window.expectNoErrors()
  },
)
