import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { UploadFile } from '../builders.ts'

/** Launches Chromium without background requests to other machines. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM']
  if (!executablePath) throw new Error('Set CHROMIUM to the path of a Chromium executable.')
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A browser window with its own profile. */
export type BrowserWindow = {
  page: Page
  /** Fails if the page logged an error or warning, threw, or sent a request to another origin. */
  expectNoErrors(): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a window. Errors that match `ignoredErrors` are expected by the test, such as failed requests to a stopped server. */
export async function openWindow(
  browser: Browser,
  url: string,
  { ignoredErrors, ...options }: BrowserContextOptions & { ignoredErrors?: RegExp } = {},
): Promise<BrowserWindow> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    // A service worker would respond in place of the test's routes.
    serviceWorkers: 'block',
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const { origin } = new URL(url)
  const errors: string[] = []
  const report = (text: string, source = '') => {
    if (!ignoredErrors?.test(text) && !text.startsWith('Service Worker registration blocked'))
      errors.push(`${text} ${source}`.trim())
  }
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      report(message.text(), message.location().url)
  })
  page.on('pageerror', (error) => report(String(error)))
  page.on('request', (request) => {
    const requested = new URL(request.url())
    if (/^https?:$/.test(requested.protocol) && requested.origin !== origin)
      report(`request to ${requested.href}`)
  })
  await page.goto(url)
  return {
    page,
    expectNoErrors: () => expect(errors).toEqual([]),
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Dispatches the events of dropping files on an element. */
export async function dropFiles(target: Locator, files: UploadFile[]): Promise<void> {
  const sent = files.map(({ name, content, type }) => ({
    name,
    type: type ?? '',
    base64: Buffer.from(content).toString('base64'),
  }))
  const dataTransfer = await target.page().evaluateHandle((given) => {
    const transfer = new DataTransfer()
    for (const { name, type, base64 } of given) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      transfer.items.add(new File([bytes], name, { type }))
    }
    return transfer
  }, sent)
  for (const event of ['dragenter', 'dragover', 'drop']) await target.dispatchEvent(event, { dataTransfer })
}

/** Presses Tab until an element with this name has the focus. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
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

/** Polls `read` until its value satisfies `condition`; for states that no locator can wait for. */
export async function waitUntil<Value>(
  read: () => Value | Promise<Value>,
  condition: (value: Value) => boolean,
): Promise<Value> {
  let value: Value | undefined
  await expect
    .poll(
      async () => {
        value = await read()
        return condition(value)
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBe(true)
  return value as Value
}
