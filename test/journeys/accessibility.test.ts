import AxeBuilder from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, createAvee, createConversation, uploadFiles } from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
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
    ['/settings', 'High contrast'],
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

/** Returns the violations that people would notice, in words. */
async function violationsOf(page: Page, path: string, rules: string[] = []): Promise<string[]> {
  const builder = new AxeBuilder({ page })
  const { violations } = await (rules.length > 0 ? builder.withRules(rules) : builder).analyze()
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

test('every screen passes the accessibility checks, also in dark mode, and fits a phone', async () => {
  await using window = await openWindow(browser, server.url, { colorScheme: 'light' })
  const { page } = window
  const desktop = { width: 1280, height: 800 }
  const problems: string[] = []
  for (const screen of screens) {
    const [path] = screen
    await open(page, screen)
    problems.push(...(await violationsOf(page, path)))
    await page.emulateMedia({ colorScheme: 'dark' })
    problems.push(...(await violationsOf(page, `${path} in dark mode`, ['color-contrast'])))
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 360, height: 740 })
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - globalThis.innerWidth)
    if (overflow > 0) problems.push(`${path} is ${overflow} px wider than a phone`)
    await page.setViewportSize(desktop)
  }
  expect(problems).toEqual([])
  window.expectNoErrors()
})

test('shows the page in the language of the browser, and in every other one where it is chosen', async () => {
  await using window = await openWindow(browser, `${server.url}/settings`, {
    locale: 'de-AT',
    viewport: { width: 390, height: 844 },
  })
  const { page } = window
  const heading = page.getByRole('heading', { level: 1 })
  await heading.getByText('Einstellungen').waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('de')

  const language = page.locator('select:has(option[lang])')
  const codes = await language
    .locator('option[lang]')
    .evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value))
  expect(codes).toHaveLength(8)
  const problems: string[] = []
  for (const code of codes) {
    await language.selectOption(code)
    await page.locator(`html[lang=${code}][dir=${code === 'ar' ? 'rtl' : 'ltr'}]`).waitFor()
    for (const path of ['/settings', screens[2]?.[0] ?? '']) {
      // Within the page, as a link would, because loading the page takes longer.
      await page.evaluate((to) => history.pushState(null, '', to), path)
      await heading
        .or(page.getByRole('heading', { level: 2 }))
        .first()
        .waitFor()
      problems.push(...(await violationsOf(page, `${path} in ${code}`, languageRules)))
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - globalThis.innerWidth)
      if (overflow > 0) problems.push(`${path} in ${code} is ${overflow} px wider than a phone`)
    }
    await page.evaluate(() => history.pushState(null, '', '/settings'))
  }
  expect(problems).toEqual([])

  await page.reload()
  await heading.getByText('الإعدادات').waitFor()
  window.expectNoErrors()
})

/** The rules that a translation can break. */
const languageRules = [
  'aria-command-name',
  'aria-input-field-name',
  'button-name',
  'empty-heading',
  'html-lang-valid',
  'image-alt',
  'label',
  'link-name',
  'select-name',
  'valid-lang',
]

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
