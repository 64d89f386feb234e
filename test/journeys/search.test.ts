import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../app.ts'
import { createAvee, uploadFiles } from '../builders.ts'
import { startOllama } from '../model-servers.ts'
import { createPdf } from '../pdf.ts'
import { openBrowser, openWindow } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test.each([1280, 390])(
  'highlights the query in search results and opens the page, %i pixels wide',
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
    await using window = await openWindow(browser, `${server.url}/library`, {
      viewport: { width, height: 800 },
    })
    const { page } = window
    if (width < 500) await page.getByRole('button', { name: /menu/i }).click()
    await page.getByRole('link', { name: 'Search' }).click()
    await page.getByRole('heading', { name: 'Search', level: 1 }).waitFor()

    const field = page.getByRole('searchbox', { name: 'Search your documents' })
    await field.fill('When does the harbour of Vellmar open?')
    await field.press('Enter')
    const first = page.getByRole('list', { name: 'Passages' }).getByRole('listitem').first()
    await first.getByText('page 2').waitFor()
    expect(await first.locator('mark').allTextContents()).toEqual(['harbour', 'Vellmar', 'opens', 'when'])

    await page.reload()
    await first.getByRole('button').click()
    const dialog = page.getByRole('dialog', { name: 'handbook' })
    await dialog.locator('mark', { hasText: 'opens at dawn' }).waitFor({ state: 'attached' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('combobox', { name: 'Search in' }).selectOption({ label: 'Ada' })
    await page.getByText('No good match').or(page.getByText('No results')).waitFor()
    await field.fill('mill rye')
    await field.press('Enter')
    await first.getByText('Friends').waitFor()
    expect(await first.locator('mark').allTextContents()).toEqual(['mill'])
    window.expectNoErrors()
  },
)
