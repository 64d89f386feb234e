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
/** Every screen: its path and a text that shows that it has loaded. */
let screens: [path: string, text: string | RegExp][]

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
  for (const asked of [question, 'Which harbour opens at dawn?']) await ask(server, conversation.id, asked)
  screens = [
    ['/welcome', 'Add documents'],
    ['/chat/ada', 'A sailor.'],
    [`/chat/local/${conversation.id}`, 'opens at dawn'],
    ['/library', '1 passage'],
    ['/search', 'Enter a question or keywords'],
    ['/search?query=harbour', 'opens at dawn'],
    ['/avee', 'Ada'],
    ['/avee/ada', 'Ada'],
    ['/avee/ada/insight', 'No data yet'],
    ['/avee/local/insight', 'Answers per day'],
    ['/avee/ada/insight/questions', 'No open questions'],
    ['/avee/ada/insight/updates', 'No updates yet'],
    ['/avee/ada/insight/sharing', 'Visitor sharing'],
    ['/model', 'llama3.2:1b'],
    ['/settings', 'System default'],
    ['/administration', 'Invitations'],
    ['/administration/server', 'Background jobs'],
    ['/login', /Create your account/],
    ['/no/such/page', 'Page not found'],
  ]
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
})

async function open(page: Page, [path, text]: [string, string | RegExp]): Promise<void> {
  await page.goto(`${server.url}${path}`)
  await page.getByRole('main').filter({ hasText: text }).waitFor()
}

describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
  test('every screen passes the accessibility checks', async () => {
    await using window = await openWindow(browser, server.url, { colorScheme, reducedMotion: 'reduce' })
    const problems: string[] = []
    for (const screen of screens) {
      await open(window.page, screen)
      const { violations } = await new AxeBuilder({ page: window.page }).analyze()
      for (const { id, impact, nodes } of violations) {
        if (impact === 'minor') continue
        problems.push(`${screen[0]}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      }
    }
    expect(problems).toEqual([])
    window.expectNoErrors()
  })
})

test('follows the system colour scheme until the user selects a theme', async () => {
  const brightness = (page: Page) =>
    page.evaluate(() => {
      const [r = 0, g = 0, b = 0] =
        getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? []
      return (r + g + b) / 3
    })
  await using window = await openWindow(browser, `${server.url}/settings`, { colorScheme: 'dark' })
  const { page } = window
  await page.getByText('System default').waitFor()
  expect(await brightness(page)).toBeLessThan(80)
  await page.getByText('Light', { exact: true }).click()
  expect(await brightness(page)).toBeGreaterThan(200)
  await page.reload()
  await page.getByText('System default').waitFor()
  expect(await brightness(page)).toBeGreaterThan(200)
})

test('fits a phone without horizontal scrolling and opens screens from the menu', async () => {
  await using window = await openWindow(browser, server.url, {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
  })
  const { page } = window
  for (const screen of screens) {
    await open(page, screen)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - globalThis.innerWidth)
    expect(overflow, screen[0]).toBeLessThanOrEqual(0)
  }
  await open(page, ['/', 'Ask your library'])
  await page.getByRole('button', { name: /menu/i }).click()
  await page.getByRole('button', { name: /: account and theme$/ }).click()
  await page.getByRole('menuitem', { name: 'Models' }).click()
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor()

  await page.goto(`${server.url}${screens[2]?.[0]}`)
  const chat = chatPage(page)
  await chat.lastAnswer
    .getByRole('button', { name: /^Source/ })
    .first()
    .click()
  await page
    .getByRole('dialog', { name: 'Source' })
    .getByText('The harbour of Vellmar opens at dawn.')
    .waitFor()
  window.expectNoErrors()
})

test('supports asking and opening a source with the keyboard alone', async () => {
  await using window = await openWindow(browser, `${server.url}/chat/local`)
  const { page } = window
  const chat = chatPage(page)
  await chat.input.waitFor()
  const tabTo = async (name: RegExp) => {
    for (let steps = 0; steps < 60; steps += 1) {
      const label = await page.evaluate(() => {
        const active = document.activeElement
        return active?.getAttribute('aria-label') ?? active?.textContent ?? ''
      })
      if (name.test(label)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab does not reach ${name}.`)
  }
  await page.keyboard.press('Tab')
  await tabTo(/^Ask /)
  await page.keyboard.type(question)
  await page.keyboard.press('Enter')
  await chat.lastAnswer.getByText('opens at dawn').waitFor()
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
  window.expectNoErrors()
})
