import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../files/folder.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

test.each([1280, 390])('syncs a folder, %i pixels wide', async (width) => {
  await using disk = await temporaryFolder()
  const notes = join(disk.path, 'notes')
  const put = async (name: string, text: string) => {
    await mkdir(notes, { recursive: true })
    await writeFile(join(notes, name), text)
    const then = Date.now() / 1000 - 60
    await utimes(join(notes, name), then, then)
  }
  await put('harbour.md', 'The harbour of Vellmar opens at dawn.')
  await put('broken.pdf', '%PDF-1.7 and nothing that makes sense')
  await using server = await startServer({ WATCH_FOLDERS: disk.path })
  await using window = await openWindow(browser, `${server.url}/library`, {
    viewport: { width, height: 800 },
  })
  const { page } = window

  await page.getByRole('button', { name: 'Sync folder' }).click()
  const dialog = page.getByRole('dialog', { name: 'Sync folder' })
  await dialog.getByText(`Must be inside ${disk.path}.`).waitFor()
  await dialog.getByRole('combobox', { name: 'Folder on the server' }).fill(notes)
  await dialog.getByRole('button', { name: 'Sync folder' }).click()
  await dialog.waitFor({ state: 'detached' })

  const folders = page.getByRole('list', { name: 'Synced folders' })
  await folders.getByText('1 document').waitFor()
  await page.getByRole('button', { name: 'harbour', exact: true }).waitFor()
  await folders.getByText('Failed files').click()
  await folders.getByText(/broken\.pdf: The file is damaged/).waitFor()

  await rm(join(notes, 'harbour.md'))
  await put('mill.md', 'The mill of Vellmar grinds rye.')
  await page.getByRole('button', { name: 'mill', exact: true }).waitFor()
  await page.getByRole('button', { name: 'harbour', exact: true }).waitFor({ state: 'detached' })

  await folders.getByRole('button', { name: `Stop syncing ${notes}` }).click()
  await page.getByRole('button', { name: 'Keep documents' }).click()
  await folders.waitFor({ state: 'detached' })

  await page.goto(`${server.url}/chat/local`)
  const chat = chatPage(page)
  await chat.ask('What does the mill of Vellmar grind?')
  await chat.lastAnswer.getByText('rye').waitFor()
  window.expectNoErrors()
})

test('explains how to allow folders if WATCH_FOLDERS is not set', async () => {
  await using server = await startServer()
  await using window = await openWindow(browser, `${server.url}/library`)
  const { page } = window
  await page.getByRole('button', { name: 'Sync folder' }).click()
  await page.getByRole('dialog').getByText('WATCH_FOLDERS=~/Documents npm start').waitFor()
  await page.getByRole('dialog').getByText('Close', { exact: true }).click()
  await page.getByRole('button', { name: 'Add web page' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add web page' })
  await dialog.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:9/docs/')
  await dialog.getByRole('checkbox', { name: 'Add the whole site' }).check()
  await dialog.getByText('in the site’s sitemap').waitFor()
  await dialog.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('region', { name: 'Uploads' }).getByText('is not on the public internet').waitFor()
  expect(await page.getByRole('button', { name: /^Retry / }).count()).toBe(1)
})
