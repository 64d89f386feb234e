import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  storeTurns,
  uploadFiles,
} from '../builders.ts'
import { defaultModels, type ScriptedOllama, startOllama } from '../model-servers.ts'
import { findViolations } from './axe.ts'
import { openBrowser, openWindow, tabTo, waitUntil } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
let ollama: ScriptedOllama
let server: TestApp
beforeAll(async () => {
  browser = await openBrowser()
  ollama = await startOllama({
    models: [...defaultModels(), { name: 'qwen3:14b', capabilities: ['completion'] }],
  })
  server = await startApp({
    OLLAMA_BASE_URL: ollama.url,
    CHAT_MODEL: 'llama3.2:1b',
    CHAT_MODEL_STRONG: 'qwen3:14b',
    TOOL_ALLOWED_HOSTS: '127.0.0.1',
  })
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
})

test('the owner chooses a model, attaches a long text and keeps unsaved changes', async () => {
  await createAvee(server, { handle: 'ada', display_name: 'Ada' })
  await using window = await openWindow(browser, `${server.url}/chat/ada`)
  const { page } = window
  const chat = chatPage(page)
  await chat.input.waitFor()
  const scriptBytes = await page.evaluate(() => {
    const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    // The modules for an answer are loaded in advance, after a short delay.
    const later =
      entries.find(({ name }) => name.includes('message-list'))?.startTime ?? Number.POSITIVE_INFINITY
    return entries
      .filter(({ name, startTime }) => name.endsWith('.js') && startTime < later)
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
  })
  expect(scriptBytes).toBeLessThan(200_000)

  await page.getByRole('button', { name: 'Stronger model' }).click()
  ollama.script('/api/chat', {
    tokens: [
      'Energy is \\(E = mc^2\\)[^1].\n\n> שלום עולם\n\n[^1]: Known since 1905.\n',
      '\n```mermaid\nflowchart LR\n  accTitle: From coal to work\n  coal --> steam --> work\n```\n',
      '\n```mermaid\nflowchart LR\n  coal --> --> [\n```\n\n```mermaid\nflowchart LR\n  open --> end',
    ],
  })
  await chat.ask('What is energy?')
  await chat.waitUntilComplete()
  await page.getByRole('button', { name: /^qwen3:14b ?: answer details/i }).click()
  await page.getByText(/^\d+\.\d sec, \d+ tokens? per second$/).waitFor()
  await page.keyboard.press('Escape')
  await chat.lastAnswer.locator('.katex').waitFor()
  expect(await chat.lastAnswer.innerText()).not.toContain('\\(')
  await chat.lastAnswer.getByRole('link', { name: 'Footnote 1' }).waitFor()
  const direction = await chat.lastAnswer
    .locator('blockquote')
    .evaluate((element) => getComputedStyle(element).direction)
  expect(direction).toBe('rtl')

  const diagram = chat.lastAnswer.getByRole('img', { name: 'From coal to work' })
  const light = await diagram.getAttribute('src')
  await chat.lastAnswer.getByText('This diagram has a syntax error, so its source is shown.').waitFor()
  await chat.lastAnswer.getByText('open --> end').waitFor()
  await page.emulateMedia({ colorScheme: 'dark' })
  await waitUntil(
    () => diagram.getAttribute('src'),
    (dark) => dark !== light,
  )
  await page.emulateMedia({ colorScheme: 'light' })
  await chat.lastAnswer.getByRole('button', { name: 'Enlarge diagram' }).click()
  await page.getByRole('dialog', { name: 'From coal to work' }).getByRole('img').waitFor()
  await page.keyboard.press('Escape')
  await chat.lastAnswer.getByRole('button', { name: 'Show source' }).click()
  await chat.lastAnswer.getByText('coal --> steam').waitFor()

  await page.getByRole('button', { name: /^Model: ?qwen3:14b/ }).click()
  await page.getByRole('menuitem', { name: 'Built-in' }).click()
  await chat.ask('And light?')
  await page.getByRole('button', { name: /^Built-in \(no language model\) ?: answer details/i }).waitFor()

  await chat.input.fill('word '.repeat(7_000))
  await page.getByText('The question has 35,000 characters. The limit is 32,000.').waitFor()
  await page.getByRole('button', { name: 'Attach the text as a file' }).click()
  await page
    .getByRole('list', { name: 'Uploads' })
    .getByText(/^Ready/)
    .waitFor()
  expect(await chat.input.inputValue()).toBe('')
  await chat.ask('What does the text say?')
  await chat.waitUntilComplete()
  const attached = page.getByRole('list', { name: 'Attached files' })
  await attached.getByRole('button', { name: 'Pasted text.txt' }).click()
  await page.getByRole('dialog', { name: 'Pasted text.txt' }).getByText('word word').first().waitFor()
  await page.keyboard.press('Escape')
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File(['The mill grinds rye.'], 'mill.txt'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  })
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^This conversation/ })
    .click()
  await page
    .getByRole('list', { name: 'Uploads' })
    .getByText(/^Ready/)
    .waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Remove mill.txt' }).click()
  await page.getByRole('list', { name: 'Uploads' }).waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'New chat' }).last().click()
  await chat.input.waitFor()
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File(['The weir is of oak.'], 'weir.txt'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  })
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^This conversation/ })
    .click()
  const uploads = page.getByRole('list', { name: 'Uploads' })
  await uploads.getByText(/^Ready/).waitFor()
  await page.goto(`${server.url}/chat/ada`)
  await uploads.getByText('weir.txt').waitFor()
  const history = page.getByRole('region', { name: 'Conversations' })
  await history.getByRole('link').first().waitFor()
  expect(await history.getByRole('link', { name: 'New conversation' }).count()).toBe(0)
  await chat.ask('What is the weir made of?')
  await chat.waitUntilComplete()
  await page.getByRole('list', { name: 'Attached files' }).getByText('weir.txt').waitFor()
  await uploads.waitFor({ state: 'detached' })
  await history.getByRole('link', { name: /weir/ }).first().waitFor()

  await page.goto(`${server.url}/avee/ada`)
  await page.getByRole('textbox', { name: 'Persona' }).fill('Speaks of engines.')
  await page.getByRole('tab', { name: 'People' }).click()
  await page.getByText('Your changes to Ada are not saved yet').first().waitFor()
  await page.reload()
  expect(await page.getByRole('textbox', { name: 'Persona' }).inputValue()).toBe('Speaks of engines.')

  await page.getByRole('tab', { name: 'Webhooks' }).click()
  await page.getByRole('button', { name: 'Add webhook' }).click()
  const adding = page.getByRole('dialog', { name: 'Add webhook' })
  await adding.getByRole('textbox', { name: 'Address' }).fill('https://gabee.invalid/told')
  await adding.getByRole('checkbox', { name: 'An upload has finished' }).uncheck()
  await adding.getByRole('button', { name: 'Add webhook' }).click()
  await page.getByRole('dialog', { name: 'Webhook added' }).getByRole('button', { name: 'Done' }).click()
  await page.getByText('An answer to you has finished · A question is unanswered').waitFor()
  await page.getByRole('button', { name: 'Deliveries' }).click()
  await page.getByText('Nothing was sent in the last 30 days.').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: 'Persona' }).click()

  await page.getByRole('textbox', { name: 'Example questions' }).fill('What is an engine?')
  ollama.script('/api/chat', { tokens: ['It turns steam into work.'] })
  const trial = page.getByRole('region', { name: 'Try it' })
  await trial.getByRole('button', { name: 'What is an engine?' }).click()
  await trial.getByText('It turns steam into work.').waitFor()
  expect(JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)).toContain('Speaks of engines.')
  await page.locator('input[type=file]').setInputFiles({
    name: 'portrait.png',
    mimeType: 'image/png',
    buffer: await page.screenshot(),
  })
  const crop = page.getByRole('dialog', { name: 'Crop picture' })
  await crop.getByRole('slider', { name: 'Zoom' }).press('End')
  await crop.getByRole('button', { name: 'Use picture' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Changes saved.').first().waitFor()
  await waitUntil(
    async () => (await server.get<Avee>('/avees/ada')).body,
    ({ avatar, example_questions }) =>
      avatar?.startsWith('/avees/') === true && example_questions.join() === 'What is an engine?',
  )
  await page.getByRole('textbox', { name: 'Persona' }).fill('Speaks of ships.')
  await page.getByRole('button', { name: 'Discard changes' }).click()
  await page.reload()
  expect(await page.getByRole('textbox', { name: 'Persona' }).inputValue()).toBe('Speaks of engines.')
  window.expectNoErrors()
})

/** A service with an OpenAPI description: one operation reads, the other orders. */
async function startShop() {
  const orders: string[] = []
  const operation = (operationId: string, more: object) => ({ operationId, summary: operationId, ...more })
  const body = { type: 'object', properties: { item: { type: 'string' } } }
  const paths = {
    '/stock': { get: operation('stock', {}) },
    '/orders': {
      post: operation('order', { requestBody: { content: { 'application/json': { schema: body } } } }),
    },
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = `http://${request.headers.host}`
    const description = { openapi: '3.1.0', info: { title: 'Shop', version: '1' }, servers: [{ url }], paths }
    if (request.method === 'POST') orders.push(await text(request))
    const result = request.method === 'POST' ? { ordered: true } : { chairs: 3 }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/openapi.json' ? description : result))
  }
  const server = createServer((request, response) => void answer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    orders,
    description: `http://127.0.0.1:${port}/openapi.json`,
    [Symbol.dispose]: () => server.close().closeAllConnections(),
  }
}

test('the owner adds tools, and allows a call that changes something with the keyboard alone', async () => {
  using shop = await startShop()
  const { id } = await createAvee(server, { handle: 'seller', display_name: 'Seller' })
  await using window = await openWindow(browser, `${server.url}/avee/seller`)
  const { page } = window
  await page.getByRole('tab', { name: 'Tools' }).click()
  // A click must take effect at once: no timer or response may run before the state of the box is read.
  const isChecked = await page.getByRole('checkbox', { name: /^Calculator/ }).evaluate(async (box) => {
    const input = box as HTMLInputElement
    input.click()
    for (let microtask = 0; microtask < 50; microtask += 1) await Promise.resolve()
    return input.checked
  })
  expect(isChecked).toBe(true)
  await page.getByRole('button', { name: 'Add tool' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add tool' })
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Shop')
  await dialog.getByRole('textbox', { name: 'Address of the description' }).fill(shop.description)
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  const editing = page.getByRole('dialog', { name: 'Edit Shop' })
  await editing.getByRole('checkbox', { name: /^order/ }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('listitem').filter({ hasText: 'Shop' }).getByText('2 functions').waitFor()
  await waitUntil(
    async () => (await server.get<Avee>(`/avees/${id}`)).body.tools,
    (tools) => tools.join() === 'calculate',
  )

  ollama.script(
    '/api/chat',
    {
      tokens: [],
      toolCalls: [
        { name: 'Shop_stock', arguments: {} },
        { name: 'Shop_order', arguments: { body: { item: 'chair' } } },
      ],
    },
    { tokens: ['It is ordered.'] },
  )
  await page.getByRole('link', { name: 'Chat', exact: true }).last().click()
  const chat = chatPage(page)
  await chat.ask('Order a chair, please.')
  await page.getByRole('group', { name: 'Permission for Shop order' }).getByText('chair').waitFor()
  expect(await findViolations(page, 'a question for permission', '.answer')).toEqual([])
  expect(shop.orders).toEqual([])
  await tabTo(page, /^Allow$/)
  await page.keyboard.press('Enter')
  await chat.lastAnswer.getByText('It is ordered.').waitFor()
  await chat.waitUntilComplete()
  expect(shop.orders).toEqual(['{"item":"chair"}'])
  const call = page.getByRole('group').filter({ hasText: 'Shop stock: done' })
  expect(await call.getByText('{"chairs":3}').isVisible()).toBe(false)
  await call.getByText('Shop stock: done').press('Enter')
  await call.getByText('{"chairs":3}').waitFor()
  expect(await findViolations(page, 'an answer with tools', '.answer')).toEqual([])
  window.expectNoErrors()
})

test('a character is imported and offered for export', async () => {
  await using window = await openWindow(browser, `${server.url}/avee`)
  const { page } = window
  const card = { spec: 'chara_card_v2', data: { name: 'Mira', description: 'Calm.', tags: ['sea'] } }
  await page.getByRole('button', { name: 'Import' }).waitFor()
  await page.setInputFiles('input[type=file]', {
    name: 'mira.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(card)),
  })
  await page.getByText('Mira was imported. Not imported: tags.', { exact: true }).waitFor()
  await page.getByRole('heading', { name: 'Mira', level: 1 }).waitFor()
  await page.getByRole('button', { name: 'Export' }).click()
  const everything = page.getByRole('menuitem', { name: 'Everything, as an .avee file' })
  expect(await everything.getAttribute('href')).toMatch(/export\?format=avee$/)
})

test('a long conversation keeps its place, is searched as a whole and opens at a linked message', async () => {
  const { id } = await createConversation(server, 'ada')
  const turns = Array.from({ length: 120 }, (_, i) => ({
    question: `Question ${i + 1}?`,
    answer: `Answer ${i + 1} says a *little*.${'\n\nIt also says more. '.repeat(i % 5)}${i % 50 === 3 ? 'Zanzibar' : ''}`,
  }))
  await storeTurns(server, id, turns)
  const url = `${server.url}/chat/ada/${id}`
  await using window = await openWindow(browser, url, { ignoredErrors: /404/, reducedMotion: 'reduce' })
  const { page } = window
  const chat = chatPage(page)
  const question = (n: number) => page.getByText(`Question ${n}?`, { exact: true })
  await question(120).waitFor()

  // The text in view is moved neither by a growing answer below nor by pages loaded above.
  const finish = Promise.withResolvers<void>()
  const tokens = Array.from({ length: 60 }, (_, i) => `Line ${i}\n\n`)
  ollama.script('/api/chat', { tokens, lastTokenAfter: finish.promise })
  await chat.ask('Tell me a lot.')
  await chat.lastAnswer.getByText('Line 20', { exact: true }).waitFor()
  await page.mouse.move(700, 400)
  await page.mouse.wheel(0, -6_000)
  const visible = page.locator('.thread-row').filter({ hasText: 'Question 11' }).first()
  await visible.waitFor()
  const top = async () => (await visible.boundingBox())?.y
  const nextFrame = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
  // The wheel scrolls in the frames after its event.
  let before = await top()
  await waitUntil(
    async () => {
      const last = before
      await nextFrame()
      before = await top()
      return before === last
    },
    (isStill) => isStill,
  )
  finish.resolve()
  await page.getByText('Answer complete.').waitFor({ state: 'attached' })
  expect(await top()).toBeCloseTo(before ?? 0, -1)
  expect(await page.getByRole('article').count()).toBeLessThan(60)

  await page.keyboard.press('Control+f')
  await page.getByRole('searchbox', { name: 'Search in conversation' }).fill('zanzibar')
  await page.getByText('3 of 3').waitFor()
  await question(104).waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('1 of 3').waitFor()
  await question(4).waitFor()
  await page.keyboard.press('Shift+Enter')
  await question(104).waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await page.getByText('Answer 54 says').waitFor()
  await page.keyboard.press('Escape')
  await waitUntil(
    () => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset')),
    (position) => position === '108',
  )

  await page.getByRole('button', { name: 'Jump to start' }).click()
  await question(1).waitFor()
  await page.getByRole('button', { name: 'Scroll to bottom' }).click()
  await chat.lastAnswer.getByText('Line 59', { exact: true }).waitFor()

  const linked = (await listMessages(server, id)).at(0)
  await page.goto(`${url}?message=${linked?.id}`)
  await page.getByText(linked?.content ?? '', { exact: true }).waitFor()
  await waitUntil(
    () => page.evaluate(() => document.activeElement?.textContent),
    (text) => text?.includes(linked?.content ?? '') === true,
  )
  expect(await findViolations(page, 'a long conversation')).toEqual([])
  window.expectNoErrors()
})

test('documents are sorted, filtered, moved, replaced, and deleted with Undo', async () => {
  const avee = await createAvee(server, { handle: 'keeper', display_name: 'Keeper' })
  const files = [
    { name: 'light 10.md', content: 'The lamp burns oil.' },
    { name: 'light 9.md', content: 'The lens weighs two tons, and more.' },
    { name: 'ships.txt', content: 'Ships pass at night.' },
  ]
  await uploadFiles(server, files, { avee: avee.id, layer: 'public' })
  await using window = await openWindow(browser, `${server.url}/library?avee=keeper`)
  const { page } = window
  const table = page.getByRole('table', { name: 'Documents' })
  const names = () => table.locator('.row-link').allTextContents()
  await table.getByRole('button', { name: 'Name' }).click()
  await waitUntil(names, (shown) => shown.join() === 'light 9,light 10,ships')
  await page.getByRole('combobox', { name: 'Type' }).selectOption('md')
  await waitUntil(names, (shown) => shown.join() === 'light 9,light 10')

  await page.getByRole('checkbox', { name: 'Select all documents' }).check()
  await page.getByRole('combobox', { name: 'Move to layer' }).selectOption('friends')
  const layers = () =>
    table.getByRole('combobox').evaluateAll((all) => all.map((one) => (one as HTMLSelectElement).value))
  await waitUntil(layers, (shown) => shown.join() === 'friends,friends')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await waitUntil(names, (shown) => shown.join() === 'ships' || shown.length === 0)
  await page.getByRole('button', { name: 'Undo' }).click()
  await waitUntil(names, (shown) => shown.join() === 'light 9,light 10')

  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Actions for light 9' }).click()
  await page.getByRole('menuitem', { name: 'Replace file' }).click()
  await (await choosing).setFiles({
    name: 'new version.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from('The lens weighs three tons.'),
  })
  await page.getByText('Ready · 1 page · 1 passage').waitFor()
  await page.getByRole('button', { name: 'light 9', exact: true }).click()
  await page.getByRole('dialog').getByText('three tons').waitFor()
  window.expectNoErrors()
})

test('a deleted conversation is restored by Undo and from the trash', async () => {
  const { id } = await createConversation(server, 'ada')
  await server.patch(`/conversations/${id}`, { title: 'Engines' })
  await using window = await openWindow(browser, `${server.url}/settings`, { ignoredErrors: /404/ })
  const { page } = window
  const link = page.getByRole('link', { name: /^Engines/ })
  const remove = async () => {
    await link.hover()
    await page.getByRole('button', { name: 'Actions for Engines' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page
      .getByRole('alertdialog')
      .or(page.getByRole('dialog'))
      .getByRole('button', { name: 'Delete' })
      .click()
    await link.waitFor({ state: 'detached' })
  }
  await remove()
  await page.getByRole('button', { name: 'Undo' }).click()
  await link.waitFor()
  await remove()
  await page.getByRole('button', { name: 'Trash' }).click()
  await page.getByRole('button', { name: 'Restore' }).click()
  await page.getByText('The trash is empty').waitFor()
  await page.keyboard.press('Escape')
  await link.waitFor()
  await remove()
  await page.getByRole('button', { name: 'Trash' }).click()
  await page.getByRole('button', { name: 'Delete permanently: Engines' }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('The trash is empty').waitFor()
  expect((await server.get(`/conversations/${id}`)).status).toBe(404)
  window.expectNoErrors()
})

test('an answer that ends in the background is notified, and a click opens its conversation', async () => {
  await using window = await openWindow(browser, `${server.url}/settings`, {
    serviceWorkers: 'allow',
    permissions: ['notifications'],
  })
  const { page } = window
  await createAvee(server, { handle: 'chronicler', display_name: 'Chronicler' })
  // The state changes when the browser has the permission.
  await page.getByLabel(/^Notify me when an answer/).click()
  await page.getByRole('checkbox', { name: /^Notify me when an answer/, checked: true }).waitFor()
  await page.evaluate(() => history.pushState(null, '', '/chat/chronicler'))
  const finish = Promise.withResolvers<void>()
  ollama.script('/api/chat', { tokens: ['Long', ' ago.'], lastTokenAfter: finish.promise })
  const chat = chatPage(page)
  await chat.ask('When was it?')
  await chat.lastAnswer.getByText('Long').waitFor()
  // Without an active worker, the page itself shows the notification.
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true }))
  finish.resolve()
  const shown = () =>
    page.evaluate(async () => {
      const notifications = await (await navigator.serviceWorker.ready).getNotifications()
      return notifications.map(({ title, body }) => `${title}: ${body}`)
    })
  await waitUntil(shown, (texts) => texts.includes('Answer from Chronicler: Long ago.'))

  const [worker] = page.context().serviceWorkers()
  // Simulates a click. Only real clicks may open and focus windows.
  const click = () =>
    worker?.evaluate(async () => {
      const scope = globalThis as unknown as ServiceWorkerScope
      const done: string[] = []
      scope.clients.openWindow = async (path: string) => done.push(`open ${path}`)
      scope.WindowClient.prototype.focus = async () => done.push('focus')
      const [notification] = await scope.registration.getNotifications()
      const event = new scope.NotificationEvent('notificationclick', { notification })
      let work: Promise<unknown> | undefined
      event.waitUntil = (promise) => (work = promise)
      if (notification) notification.close = () => undefined
      scope.dispatchEvent(event)
      await work
      return done
    })
  const { pathname } = new URL(page.url())
  await page.getByRole('link', { name: 'Library' }).click()
  await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
  expect(await click()).toEqual(['focus'])
  await chat.lastAnswer.getByText('Long ago.').waitFor()
  expect(new URL(page.url()).pathname).toBe(pathname)
  window.expectNoErrors()
  await page.context().newPage()
  await page.close()
  // For a moment, the worker may still list the closed tab.
  await waitUntil(click, (done) => done?.join() === `open ${pathname}`)
})

type ServiceWorkerScope = {
  clients: { openWindow: (path: string) => Promise<unknown> }
  WindowClient: { prototype: { focus: () => Promise<unknown> } }
  registration: { getNotifications(): Promise<Notification[]> }
  NotificationEvent: new (
    type: string,
    init: { notification: Notification | undefined },
  ) => Event & { waitUntil: (work: Promise<unknown>) => unknown }
  dispatchEvent(event: Event): boolean
}

test('users see neither buttons for administrators nor errors meant for them', async () => {
  await registerUser(server, { email: 'owner@example.org' })
  const user = await registerUser(server, { email: 'bo@example.org', display_name: 'Bo' })
  await using window = await openWindow(browser, `${server.url}/login?next=/model`, { ignoredErrors: /401/ })
  const { page } = window
  const chat = chatPage(page)
  await page.getByLabel('E-mail').fill('bo@example.org')
  await page.getByLabel('Password').fill(user.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Installed' }).waitFor()
  await page.getByRole('listitem').filter({ hasText: 'qwen3:14b' }).waitFor()
  expect(
    await page.getByRole('button', { name: /^(?:Use|Download|Actions for (?:llama|qwen).*)$/ }).count(),
  ).toBe(0)

  await page.goto(`${server.url}/chat`)
  ollama.script('/api/chat', { status: 500, message: 'dial tcp 127.0.0.1:40123: refused' })
  await chat.ask('Are you there?')
  await page.getByText('The language model is not available.').waitFor()
  expect(await page.getByText('127.0.0.1').count()).toBe(0)
  window.expectNoErrors()
})
