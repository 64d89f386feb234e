import AxeBuilder from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServerProcess, startServer } from '../app.ts'
import { ask, createAvee, createConversation, uploadFiles } from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { openBrowser, openWindow } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
let ollama: ScriptedOllama
let server: ServerProcess
/** Every screen, by its address, with words that show that it is there. */
let screens: [path: string, words: string | RegExp][]

const question = 'When does the harbour of Vellmar open?'

beforeAll(async () => {
  browser = await openBrowser()
  ollama = await startOllama()
  server = await startServer({ OLLAMA_BASE_URL: ollama.url })
  await createAvee(server, {
    handle: 'ada',
    display_name: 'Ada',
    bio: 'A sailor.',
    persona: 'Speaks of the sea.',
  })
  await uploadFiles(server, [
    { name: 'harbour.md', content: '# Harbour\n\nThe harbour of Vellmar opens at dawn.' },
  ])
  const conversation = await createConversation(server, 'local')
  await ask(server, conversation.id, question)
  screens = [
    ['/welcome', 'Documents to answer from'],
    ['/chat/ada', 'A sailor.'],
    [`/chat/local/${conversation.id}`, 'opens at dawn'],
    ['/library', '1 passage'],
    ['/search', 'Find the passage'],
    ['/search?query=harbour', 'opens at dawn'],
    ['/avee', 'Ada'],
    ['/avee/ada', 'Ada'],
    ['/avee/ada/insight', 'Nothing to show yet'],
    ['/avee/local/insight', 'Answers a day'],
    ['/avee/ada/insight/questions', 'Nothing waits for you'],
    ['/avee/ada/insight/updates', 'No updates yet'],
    ['/avee/ada/insight/sharing', 'What visitors share'],
    ['/models', 'llama3.2:1b'],
    ['/settings', 'As the system'],
    ['/login', /Create your account/],
    ['/no/such/page', 'There is no such page'],
  ]
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
})

async function go(page: Page, [path, words]: [string, string | RegExp]): Promise<void> {
  await page.goto(`${server.url}${path}`)
  await page.getByRole('main').filter({ hasText: words }).waitFor()
}

describe.each(['light', 'dark'] as const)('in the %s', (colorScheme) => {
  test('every screen can be used by everyone', async () => {
    await using window = await openWindow(browser, server.url, { colorScheme, reducedMotion: 'reduce' })
    const found: string[] = []
    for (const screen of screens) {
      await go(window.page, screen)
      const { violations } = await new AxeBuilder({ page: window.page }).analyze()
      for (const { id, impact, nodes } of violations) {
        if (impact === 'minor') continue
        found.push(`${screen[0]}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      }
    }
    expect(found).toEqual([])
    window.expectNoConsoleErrors()
  })
})

test('dark is dark and light is light, as the system says and as one chooses', async () => {
  const brightness = (page: Page) =>
    page.evaluate(() => {
      const [r = 0, g = 0, b = 0] =
        getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? []
      return (r + g + b) / 3
    })
  await using window = await openWindow(browser, `${server.url}/settings`, { colorScheme: 'dark' })
  const { page } = window
  await page.getByText('As the system').waitFor()
  expect(await brightness(page)).toBeLessThan(80)
  await page.getByText('Light', { exact: true }).click()
  expect(await brightness(page)).toBeGreaterThan(200)
  await page.reload()
  await page.getByText('As the system').waitFor()
  expect(await brightness(page)).toBeGreaterThan(200)
})

test('on a phone nothing is cut off, and the menu leads everywhere', async () => {
  await using window = await openWindow(browser, server.url, {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
  })
  const { page } = window
  for (const screen of screens) {
    await go(page, screen)
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - globalThis.innerWidth)
    expect(beyond, screen[0]).toBeLessThanOrEqual(0)
  }
  await go(page, ['/', 'Ask your library'])
  await page.getByRole('button', { name: /menu/i }).click()
  await page.getByRole('link', { name: 'Models' }).click()
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor()

  await page.goto(`${server.url}${screens[2]?.[0]}`)
  const chat = chatPage(page)
  await chat.words
    .getByRole('button', { name: /^Source/ })
    .first()
    .click()
  await page
    .getByRole('dialog', { name: 'Source' })
    .getByText('The harbour of Vellmar opens at dawn.')
    .waitFor()
  window.expectNoConsoleErrors()
})

test('with the keyboard alone one can ask, open the source and come back', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/local`)
  const { page } = window
  const chat = chatPage(page)
  await chat.box.waitFor()
  const tabTo = async (name: RegExp) => {
    for (let steps = 0; steps < 60; steps += 1) {
      const label = await page.evaluate(() => {
        const active = document.activeElement
        return active?.getAttribute('aria-label') ?? active?.textContent ?? ''
      })
      if (name.test(label)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab never comes to ${name}.`)
  }
  await page.keyboard.press('Tab')
  await tabTo(/^Your question to/)
  await page.keyboard.type(question)
  await page.keyboard.press('Enter')
  await chat.words.getByText('opens at dawn').waitFor()
  await chat.waitUntilComplete()
  await page.keyboard.press('Shift+Tab')
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await tabTo(/^Source \d/)
  await page.keyboard.press('Enter')
  const panel = page.getByRole('complementary', { name: 'Source' })
  await panel.locator('mark').waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await tabTo(/^Source \d/)
  window.expectNoConsoleErrors()
})
