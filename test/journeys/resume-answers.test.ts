import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAvee, listMessages } from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
let ollama: ScriptedOllama
let server: ServerProcess
/** A website that may use the server. */
let website: Server
let serveWebsite: RequestListener
let websiteUrl: string

beforeAll(async () => {
  browser = await openBrowser()
  ollama = await startOllama()
  website = createServer((request, response) => serveWebsite(request, response))
  await once(website.listen(0, '127.0.0.1'), 'listening')
  websiteUrl = `http://127.0.0.1:${(website.address() as AddressInfo).port}`
  server = await startServer({ OLLAMA_BASE_URL: ollama.url, ALLOWED_ORIGINS: websiteUrl })
  await createAvee(server, { handle: 'ada', display_name: 'Ada' })
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
  website?.close().closeAllConnections()
})

const question = Array.from({ length: 80 }, (_, i) => `word${i}`).join(' ')
// The scripted model's answer to a question without passages.
const whole = `You said: ${question} That is all I know about it.`
const connectionErrors =
  /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|Failed to load resource|network error/i

const modelRequests = () => ollama.requestsTo('/api/chat')
const begun = (text: string) => text.includes('word9') && !text.includes('word60')
/** Pauses the model in the middle of its next answer until the returned function is called. */
function holdAnswer(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  const middle = whole.indexOf(' word30')
  const begin = whole.slice(0, middle).match(/\s*\S+/g) ?? []
  ollama.script('/api/chat', { tokens: [...begin, whole.slice(middle)], lastTokenAfter: promise })
  return resolve
}
const conversationOf = (url: string) => new URL(url).pathname.split('/').at(-1) ?? ''

test('an answer continues across a page reload', async () => {
  const before = modelRequests().length
  await using window = await openWindow(browser, `${server.url}/chat/ada`)
  const chat = chatPage(window.page)
  const finish = holdAnswer()
  await chat.ask(question)
  await waitUntil(() => chat.lastAnswer.innerText(), begun)
  await window.page.reload()
  await waitUntil(() => chat.lastAnswer.innerText(), begun)
  finish()
  await chat.waitUntilComplete()
  expect(await chat.lastAnswer.innerText()).toBe(whole)
  expect(await chat.answers.count()).toBe(1)
  expect(modelRequests()).toHaveLength(before + 1)
  window.expectNoErrors()
})

test('an answer continues after the server is killed and restarted', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/ada`, {
    ignoredErrors: connectionErrors,
  })
  const chat = chatPage(window.page)
  const finish = holdAnswer()
  await chat.ask(question)
  await waitUntil(() => chat.lastAnswer.innerText(), begun)
  await server.kill()
  finish()
  await window.page.getByText('Connection lost').waitFor()
  await server.restart()
  await chat.waitUntilComplete()
  expect(await chat.lastAnswer.innerText()).toBe(whole)
  expect(await chat.answers.count()).toBe(1)
  const stored = await listMessages(server, conversationOf(window.page.url()))
  expect(stored.map(({ role, content, status }) => ({ role, content, status }))).toEqual([
    { role: 'user', content: question, status: 'complete' },
    { role: 'assistant', content: whole, status: 'complete' },
  ])
  await window.page.reload()
  await chat.waitUntilComplete()
  expect(await chat.lastAnswer.innerText()).toBe(whole)
  window.expectNoErrors()
})

test('a screen that cannot be loaded, and a page that is outdated, offer a reload', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/ada`, {
    ignoredErrors: /ERR_|Failed to|LoadError|Unable to preload/,
  })
  const { page } = window
  await chatPage(page).input.waitFor()
  await server.kill()
  await page.getByRole('link', { name: 'Library' }).click()
  await page.getByText('This screen could not be loaded').waitFor()
  await page.getByText('Connection lost – reconnecting').waitFor()
  await page.getByRole('button', { name: 'Reload' }).click()
  await page.getByText('The server is still unreachable').waitFor()
  await page.getByRole('link', { name: 'Chat', exact: true }).click()

  await page.route(`${server.url}/`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<script type="module" src="/assets/newer.js"></script>',
    }),
  )
  await server.restart()
  await page.getByText('A new version is available.').waitFor()
  await page.unroute(`${server.url}/`)
  await page.getByRole('link', { name: 'Library' }).click()
  await page.getByRole('button', { name: 'Reload' }).last().click()
  await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
  window.expectNoErrors()
})

test('shows the last read data without the server, and sends a queued question once when it is back', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/ada`, {
    serviceWorkers: 'allow',
    ignoredErrors: /ERR_|Failed to|NetworkError/,
  })
  const first = chatPage(window.page)
  await window.page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await first.ask('Are you there?')
  await first.waitUntilComplete()
  const address = window.page.url()
  // Loaded responses are cached in the background.
  await waitUntil(
    () => window.page.evaluate(async () => (await (await caches.open('read')).keys()).map(({ url }) => url)),
    (urls) =>
      [/\/messages/, /\/me$/, /\/avees\/ada$/, /\/conversations\/[\w-]+$/].every((path) =>
        urls.some((url) => path.test(url)),
      ),
  )
  await window.page.reload()
  await first.answers.first().waitFor()
  const before = modelRequests().length
  await server.kill()
  await window.page.reload()
  expect(await first.answers.first().innerText()).toContain('Are you there?')
  await window.page.getByText('Connection lost').waitFor()

  await first.ask('Do you hear me?')
  await window.page.getByRole('button', { name: 'Withdraw' }).click()
  expect(await first.input.inputValue()).toBe('Do you hear me?')
  await first.ask(question)
  await window.page.getByText('Not sent yet.').waitFor()
  const context = window.page.context()
  await window.page.close()
  const again = await context.newPage()
  await again.goto(address)
  await again.getByText('Not sent yet.').waitFor()
  await server.restart()
  const second = chatPage(again)
  await second.answers.nth(1).getByText('That is all I know about it.').waitFor()
  await second.waitUntilComplete()
  expect(await again.getByText('Not sent yet.').count()).toBe(0)
  expect(modelRequests()).toHaveLength(before + 1)
  const stored = await listMessages(server, conversationOf(address))
  expect(stored.map(({ content }) => content)).toEqual([
    'Are you there?',
    expect.any(String),
    question,
    whole,
  ])
})

test('keeps the first question of a chat that lost the connection before anything was typed', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/local`, { ignoredErrors: /ERR_/ })
  const { page } = window
  // The module that shows messages is loaded in advance, with those it needs.
  await page.waitForFunction(() => {
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
    const links = document.querySelectorAll<HTMLLinkElement>('link[rel=modulepreload], link[rel=stylesheet]')
    const needed = [...links].map(({ href }) => href)
    return (
      needed.some((href) => href.includes('message-list')) && needed.every((href) => loaded.includes(href))
    )
  })
  await page.context().setOffline(true)
  await chatPage(page).ask(question)
  await page.getByText('Not sent yet.').waitFor()
})

test('two tabs show the same answer', async () => {
  const before = modelRequests().length
  await using window = await openWindow(browser, `${server.url}/chat/ada`)
  const first = chatPage(window.page)
  await first.ask('Are you there?')
  await first.waitUntilComplete()
  const other = await window.page.context().newPage()
  await other.goto(window.page.url())
  const second = chatPage(other)
  await second.waitUntilComplete()

  const finish = holdAnswer()
  await second.ask(question)
  await waitUntil(() => second.lastAnswer.innerText(), begun)
  await window.page.bringToFront()
  await window.page.reload()
  await waitUntil(() => first.lastAnswer.innerText(), begun)
  finish()
  await first.answers.nth(1).getByText('That is all I know about it.').waitFor()
  await second.answers.nth(1).getByText('That is all I know about it.').waitFor()
  expect(await first.lastAnswer.innerText()).toBe(whole)
  expect(await second.lastAnswer.innerText()).toBe(whole)
  expect(modelRequests()).toHaveLength(before + 2)
  window.expectNoErrors()
})

test('stopping an answer keeps its text and closes the request to the model', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/ada`)
  const chat = chatPage(window.page)
  const finish = holdAnswer()
  await chat.ask(question)
  await waitUntil(() => chat.lastAnswer.innerText(), begun)
  await chat.stop.click()
  await window.page.getByText('You stopped this answer.').waitFor()
  const asked = modelRequests().at(-1)
  await asked?.closed
  finish()
  expect(asked?.closedEarly).toBe(true)
  const text = await chat.lastAnswer.innerText()
  expect(whole.startsWith(text)).toBe(true)
  expect(text.length).toBeLessThan(whole.length)
  const [, answer] = await listMessages(server, conversationOf(window.page.url()))
  expect(answer).toMatchObject({ status: 'stopped', content: text })
  await window.page.reload()
  await window.page.getByText('You stopped this answer.').waitFor()
  expect(await chat.lastAnswer.innerText()).toBe(text)
  await window.page.getByRole('button', { name: 'Continue' }).click()
  await waitUntil(
    () => chat.lastAnswer.innerText(),
    (shown) => shown === whole,
  )
  expect(await chat.questions.count()).toBe(1)
  window.expectNoErrors()
})

test('an answer interrupted by a server shutdown is finished after the next start', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/ada`, {
    ignoredErrors: connectionErrors,
  })
  const chat = chatPage(window.page)
  const finish = holdAnswer()
  await chat.ask(question)
  await waitUntil(() => chat.lastAnswer.innerText(), begun)
  expect(await server.stop()).toBe(0)
  finish()
  await server.restart()
  await chat.waitUntilComplete()
  expect(await chat.lastAnswer.innerText()).toBe(whole)
  window.expectNoErrors()
})

test('the examples of the client package run in Node and in a browser', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const env = { ...process.env, GABEE_URL: server.url }
  const node = promisify(execFile)
  await node(process.execPath, ['scripts/build-client.ts', '--without-types'], { cwd: root })
  const examples = path.join(root, 'client/examples')
  const upload = await node(process.execPath, [path.join(examples, 'upload.ts'), 'client/README.md'], {
    cwd: root,
    env,
  })
  expect(upload.stdout).toContain('README.md: ')
  const asked = await node(process.execPath, [path.join(examples, 'ask.ts'), 'ada', 'How are you?'], { env })
  expect(asked.stdout).toContain('You said: How are you?')

  const { key } = (await server.post<{ key: string }>('/api-keys', { name: 'page' })).body
  const folders = { '@gabee/client': 'client', 'eventsource-parser': 'node_modules/eventsource-parser' }
  serveWebsite = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const [, name = '', file = ''] = /^\/node_modules\/((?:@gabee\/)?[\w-]+)\/(.+)/.exec(pathname) ?? []
    const folder = folders[name as keyof typeof folders]
    const source = folder ? path.join(root, folder, file) : path.join(examples, 'page.html')
    response.setHeader('content-type', folder ? 'text/javascript' : 'text/html')
    void readFile(source).then((content) => response.end(content))
  }
  const query = new URLSearchParams({ server: server.url, key })
  await using window = await openWindow(browser, `${websiteUrl}/page.html?${query}`, {
    ignoredErrors: new RegExp(`^request to ${server.url}|favicon`),
  })
  await window.page.getByLabel('Question').fill('What is in the README?')
  await window.page.getByRole('button', { name: 'Ask' }).click()
  await window.page.getByRole('status').getByText('According to the documents').waitFor()
  window.expectNoErrors()
})
