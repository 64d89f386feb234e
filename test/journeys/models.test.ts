import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pullFrames, startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { catalogueEntryOf, startHub, tinyModelFiles } from '../tiny-models.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test('shows the progress of a download across a reload and activates the model', async () => {
  await using ollama = await startOllama({ models: [] })
  const finish = Promise.withResolvers<void>()
  const frames = pullFrames('llama3.2:1b', 60)
  // The download stalls in the middle of the first file, and then succeeds.
  ollama.always('/api/pull', {
    frames: [...frames.slice(0, 30), ...frames.slice(-1)],
    delayMs: 40,
    lastTokenAfter: finish.promise,
  })
  await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  await using window = await openWindow(browser, `${server.url}/model`)
  const { page } = window
  await page.getByRole('heading', { name: 'No language model' }).waitFor()
  await page.getByRole('textbox', { name: 'Model name' }).fill('llama3.2:1b')
  await page.getByRole('button', { name: 'Download', exact: true }).click()

  const progress = page.getByRole('progressbar', { name: 'Download of llama3.2:1b' })
  const progressValue = async () => Number(await progress.getAttribute('aria-valuenow'))
  await waitUntil(progressValue, (value) => value > 0)
  await page.reload()
  await waitUntil(progressValue, (value) => value > 0)
  finish.resolve()
  await page.getByRole('heading', { name: 'llama3.2:1b' }).waitFor()
  await page.getByRole('listitem').filter({ hasText: 'llama3.2:1b' }).getByText('Active').waitFor()
  expect(ollama.requestsTo('/api/pull')).toHaveLength(1)
  window.expectNoErrors()
})

test('a provider is added, tested and added to the fallbacks', async () => {
  await using ollama = await startOllama()
  await using server = await startServer({ OLLAMA_BASE_URL: 'http://127.0.0.1:9' })
  await using window = await openWindow(browser, `${server.url}/model`)
  const { page } = window
  await page.getByRole('button', { name: 'Add provider' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add provider' })
  await dialog.getByRole('combobox', { name: 'Kind' }).selectOption('ollama')
  await dialog.getByRole('textbox', { name: 'Name' }).fill('cellar')
  await dialog.getByRole('textbox', { name: 'Address' }).fill(ollama.url)
  await dialog.getByRole('button', { name: 'Add' }).click()
  const row = page.getByRole('listitem').filter({ hasText: 'cellar' }).filter({ hasText: ollama.url })
  await row.getByRole('button', { name: 'Test' }).click()
  await page
    .getByText(/^cellar offers \d+ models?/)
    .first()
    .waitFor()
  // The default order has all models.
  await page.getByRole('button', { name: 'Remove cellar/llama3.2:1b' }).click()
  await page.getByRole('combobox', { name: 'Add a fallback' }).selectOption('cellar/llama3.2:1b')
  await page.getByRole('button', { name: 'Remove cellar/llama3.2:1b' }).waitFor()
  await row.getByRole('button', { name: 'Actions for cellar' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await row.waitFor({ state: 'detached' })
  window.expectNoErrors()
})

test('shows the error of a failed download; a model of the catalogue is downloaded and deleted', async () => {
  const files = tinyModelFiles('embedding')
  await using hub = await startHub({ 'tiny/tiny-e5': files })
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(path.join(tmpdir(), 'gabee-catalogue-'))
  stack.defer(() => rm(directory, { recursive: true }))
  await writeFile(
    path.join(directory, 'catalogue.json'),
    JSON.stringify([catalogueEntryOf('tiny-e5', 'embedding', files)]),
  )
  await using ollama = await startOllama()
  ollama.script('/api/pull', {
    frames: ['{"status":"pulling manifest"}', '{"error":"pull model manifest: file does not exist"}'],
  })
  await using server = await startServer({
    OLLAMA_BASE_URL: ollama.url,
    MODEL_HUB_URL: hub.url,
    MODEL_DIR: directory,
  })
  await using window = await openWindow(browser, `${server.url}/model`)
  const { page } = window
  await page.getByRole('textbox', { name: 'Model name' }).fill('no-such-model')
  await page.getByRole('button', { name: 'Download', exact: true }).click()
  await page.getByText(/file does not exist/).waitFor()

  await page.getByText(`From ${hub.url}/tiny/tiny-e5`).waitFor()
  await page.getByRole('button', { name: 'Download tiny-e5' }).click()
  await page.getByRole('definition').filter({ hasText: 'tiny-e5' }).waitFor()
  await page.getByRole('button', { name: 'Delete tiny-e5' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Download tiny-e5' }).waitFor()
  window.expectNoErrors()
})
