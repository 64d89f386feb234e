import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startOllama } from '../model-servers.ts'
import { createPdf } from '../pdf.ts'
import { startServer } from '../server-process.ts'
import { dropFiles, openBrowser, openWindow } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

const towns = [
  'Vellmar',
  'Ostrau',
  'Kessin',
  'Brunnthal',
  'Lindow',
  'Harsefeld',
  'Zerbst',
  'Malchow',
  'Torgau',
  'Prerow',
]
const goods = ['salt', 'amber', 'wool', 'copper', 'barley', 'resin', 'herring', 'slate', 'honey', 'linen']

/** Creates a PDF of 100 pages with distinct facts; page 73 answers the question. */
function chronicle(): Uint8Array<ArrayBuffer> {
  const pages = Array.from({ length: 100 }, (_, i) => {
    const town = towns[i % 10]
    const good = goods[Math.floor(i / 10)]
    const facts = [
      `Chapter ${i + 1}. In the year ${1500 + i} the council of ${town} counted its stores of ${good}.`,
      `The warden noted ${(i * 37) % 400} barrels and wrote that the winter had been mild along the river.`,
      `Travellers paid ${(i % 9) + 2} pennies at the gate, and the bells of ${town} rang at noon and at dusk.`,
    ]
    if (i === 72) facts.push('The clockmaker Ottilie Brandt repaired the lighthouse with forty brass wheels.')
    return facts.join('\n')
  })
  return createPdf(pages)
}

const pdf = { name: 'chronicle.pdf', content: chronicle(), type: 'application/pdf' }

describe.each(['Ollama', 'no language model'])('the first run with %s', (models) => {
  test('answers a question from a dropped PDF and opens the cited page', async () => {
    await using ollama = await startOllama()
    if (models === 'Ollama') ollama.always('/api/chat', { delayMs: 25 })
    await using server = await startServer(
      models === 'Ollama' ? { OLLAMA_BASE_URL: ollama.url } : {},
      'embedded',
    )
    await using window = await openWindow(browser, server.url)
    const { page } = window
    const chat = chatPage(page)

    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    await page
      .getByText(models === 'Ollama' ? 'llama3.2:1b' : 'No language model is set up yet')
      .first()
      .waitFor()

    await dropFiles(page.getByText('Drop files here'), [pdf])
    await page.getByText(/Ready · 100 pages/).waitFor()

    const first = page.getByRole('textbox', { name: 'Question' })
    await first.fill('Who repaired the lighthouse with forty brass wheels?')
    await first.press('Enter')

    await chat.lastAnswer.getByText('Ottilie Brandt').waitFor()
    await chat.waitUntilComplete()
    const source = chat.answers.last().getByRole('group', { name: 'Sources' }).getByRole('button').first()
    expect(await source.innerText()).toMatch(/page 73/i)

    await chat.lastAnswer
      .getByRole('button', { name: /^Source \d+: .*Page 73/ })
      .first()
      .click()
    const panel = page.getByRole('complementary', { name: 'Source' })
    await panel.getByText('Page 73 of 100').waitFor()
    expect(await panel.locator('mark').textContent()).toContain('Ottilie Brandt')
    await panel.getByRole('button', { name: 'Close' }).click()
    await panel.waitFor({ state: 'detached' })
    window.expectNoErrors()
  })
})

test('a question asked during an upload waits for the document', async () => {
  await using server = await startServer()
  await using window = await openWindow(browser, `${server.url}/chat/local`)
  const chat = chatPage(window.page)
  await dropFiles(chat.input, [pdf])
  await window.page.getByRole('button', { name: /^Your library/ }).click()
  await chat.ask('Who repaired the lighthouse with forty brass wheels?')
  await chat.lastAnswer.getByText('Ottilie Brandt').waitFor()
  window.expectNoErrors()
})

test('a file that cannot be processed shows an error and does not affect others', async () => {
  await using server = await startServer()
  await using window = await openWindow(browser, `${server.url}/welcome`)
  const { page } = window
  await dropFiles(page.getByText('Drop files here'), [
    { name: 'empty.pdf', content: '', type: 'application/pdf' },
    { name: 'broken.pdf', content: '%PDF-1.7 and then nothing that makes sense', type: 'application/pdf' },
    { name: 'good.md', content: '# Harbour\n\nThe harbour opens at dawn.', type: 'text/markdown' },
  ])
  const uploads = page.getByRole('region', { name: 'Uploads' })
  await uploads.getByText(/^Ready · 1 page/).waitFor()
  await uploads.getByText(/The file is empty/).waitFor()
  await uploads.getByText(/The file is damaged or incomplete/).waitFor()
  window.expectNoErrors()
})
