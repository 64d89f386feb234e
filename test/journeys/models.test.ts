import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../app.ts'
import { pullFrames, startOllama } from '../model-servers.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test('shows the progress of a download across a reload and activates the model', async () => {
  await using ollama = await startOllama({ models: [] })
  ollama.always('/api/pull', { frames: pullFrames('llama3.2:1b', 60), delayMs: 40 })
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  await using window = await openWindow(browser, `${server.url}/models`)
  const { page } = window
  await page.getByRole('heading', { name: 'No language model' }).waitFor()
  await page.getByRole('textbox', { name: 'Model name' }).fill('llama3.2:1b')
  await page.getByRole('button', { name: 'Download', exact: true }).click()

  const progress = page.getByRole('progressbar', { name: 'Download of llama3.2:1b' })
  const progressValue = async () => Number(await progress.getAttribute('aria-valuenow'))
  const before = await waitUntil(progressValue, (value) => value > 0)
  await page.reload()
  await waitUntil(progressValue, (value) => value > before)
  await page.getByRole('heading', { name: 'llama3.2:1b' }).waitFor()
  await page.getByRole('listitem').filter({ hasText: 'llama3.2:1b' }).getByText('Active').waitFor()
  expect(ollama.requestsTo('/api/pull')).toHaveLength(1)
  window.expectNoErrors()
})

test('shows the error of a failed download', async () => {
  await using ollama = await startOllama()
  ollama.script('/api/pull', {
    frames: ['{"status":"pulling manifest"}', '{"error":"pull model manifest: file does not exist"}'],
  })
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  await using window = await openWindow(browser, `${server.url}/models`)
  await window.page.getByRole('textbox', { name: 'Model name' }).fill('no-such-model')
  await window.page.getByRole('button', { name: 'Download', exact: true }).click()
  await window.page.getByText(/file does not exist/).waitFor()
  window.expectNoErrors()
})
