import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, bodyOf, createAvee, createConversation, uploadFiles } from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import { findTranslationProblems, findViolations } from './axe.ts'
import { openBrowser, openWindow, tabTo } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
let ollama: ScriptedOllama
let server: ServerProcess
type Screen = readonly [path: string, text: string | RegExp]
/** Every screen: its path, and a text that appears when it has loaded. Tabs are opened too. */
let screens: Screen[]

const web = fileURLToPath(new URL('../../web', import.meta.url))

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
  bodyOf(await server.post('/memories', { avee: 'ada', content: 'Sails at dawn.' }))
  const { token } = bodyOf(await server.post<{ token: string }>(`/conversations/${conversation.id}/shares`))
  screens = [
    ['/', 'Ask your library'],
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
    ['/memory', 'Sails at dawn.'],
    ['/model', 'llama3.2:1b'],
    ['/settings', 'High contrast'],
    ['/administration', 'Invitations'],
    ['/login', /Create your account/],
    [`/s/${token}`, 'opens at dawn'],
    ['/no/such/page', 'Page not found'],
  ]
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
})

async function open(page: Page, [path, text]: Screen): Promise<void> {
  await page.goto(`${server.url}${path}`)
  await page.getByRole('main').filter({ hasText: text }).waitFor()
}

/** Opens a screen within the page, like a link, because loading the page takes longer. */
async function show(page: Page, [path, text]: Screen): Promise<void> {
  await page.evaluate((to) => history.pushState(null, '', to), path)
  await page.getByRole('main').filter({ hasText: text }).waitFor()
}

const desktop = { width: 1280, height: 800 }
const phone = { width: 360, height: 740 }

/** Checks a screen and each of its tabs. */
async function checkScreen(page: Page, path: string): Promise<string[]> {
  const problems: string[] = []
  const tabs = page.getByRole('main').getByRole('tab')
  for (let i = 0; i === 0 || i < (await tabs.count()); i += 1) {
    if (i > 0) await tabs.nth(i).click()
    await page.waitForFunction(() => document.querySelector('.skeleton') === null)
    const where = i > 0 ? `${path}, ${await tabs.nth(i).innerText()}` : path
    problems.push(...(await findViolations(page, where)))
    await page.setViewportSize(phone)
    problems.push(...(await findTranslationProblems(page, where)))
    await page.setViewportSize(desktop)
  }
  return problems
}

test('every screen passes the accessibility checks in every language, also in dark mode, and fits a phone', async () => {
  await using window = await openWindow(browser, server.url, { colorScheme: 'light', viewport: desktop })
  const { page } = window
  const problems: string[] = []
  await open(page, screens[0] ?? ['/', ''])
  for (const screen of screens) {
    await show(page, screen)
    problems.push(...(await checkScreen(page, screen[0])))
  }
  expect(problems).toEqual([])
  window.expectNoErrors()

  const source = await readFile(path.join(web, 'app.tsx'), 'utf8')
  const routes = [...source.matchAll(/<Route path="([^"]+)">\s*(?!<Redirect|\s)/g)].map(
    ([, route = '']) => route,
  )
  expect(routes.length).toBeGreaterThan(10)
  const unchecked = routes.filter((route) => {
    const pattern = new RegExp(
      `^${route.replaceAll(/\/:\w+\?/g, '(?:/[^/]+)?').replaceAll(/:\w+/g, '[^/]+')}$`,
    )
    return !screens.some(([path]) => pattern.test(path.split(/[?#]/)[0] ?? ''))
  })
  expect(unchecked, 'screens that are not checked').toEqual([])
})

test('shows the page in the language of the browser, and in another one where it is chosen, in every tab', async () => {
  await using window = await openWindow(browser, `${server.url}/settings`, { locale: 'de-AT' })
  const { page } = window
  const heading = page.getByRole('heading', { level: 1 })
  await heading.getByText('Einstellungen').waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('de')
  const other = await page.context().newPage()
  await other.goto(`${server.url}/settings`)
  await other.getByText('Einstellungen').first().waitFor()
  await page.locator('select:has(option[lang])').selectOption('ar')
  for (const tab of [page, other]) {
    await tab.getByRole('heading', { name: 'الإعدادات', level: 1 }).waitFor()
    expect(await tab.locator('html').getAttribute('dir')).toBe('rtl')
    expect(await tab.locator('select:has(option[lang])').inputValue()).toBe('ar')
  }
  await page.reload()
  await heading.getByText('الإعدادات').waitFor()
  window.expectNoErrors()
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
  await page.getByText('High contrast').waitFor()
  expect(await brightness(page)).toBeLessThan(80)
  await page.getByText('Light', { exact: true }).click()
  expect(await brightness(page)).toBeGreaterThan(200)
  await page.reload()
  await page.getByText('High contrast').waitFor()
  expect(await brightness(page)).toBeGreaterThan(200)
})

test('opens screens from the menu on a phone, and sources in a dialog', async () => {
  await using window = await openWindow(browser, server.url, {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
  })
  const { page } = window
  await open(page, ['/', 'Ask your library'])
  await page.getByRole('button', { name: /menu/i }).click()
  await page.getByRole('button', { name: /: account and theme$/ }).click()
  await page.getByRole('menuitem', { name: 'Models' }).click()
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor()

  await page.goto(`${server.url}${screens[3]?.[0]}`)
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
  await page.keyboard.press('Tab')
  await tabTo(page, /^Ask /)
  await page.keyboard.type(question)
  await page.keyboard.press('Enter')
  await chat.lastAnswer.getByText('opens at dawn').waitFor()
  await chat.waitUntilComplete()
  await page.keyboard.press('Shift+Tab')
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await tabTo(page, /^Source \d/)
  await page.keyboard.press('Enter')
  const panel = page.getByRole('complementary', { name: 'Source' })
  await panel.locator('mark').waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await tabTo(page, /^Source \d/)
  window.expectNoErrors()
})
