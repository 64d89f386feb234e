import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { UploadFile } from '../builders.ts'

/** Starts the browser. It never looks for updates or anything else outside of this machine. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM']
  if (!executablePath) throw new Error('CHROMIUM names no browser.')
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

/** A person's window on the app. */
export type BrowserWindow = {
  page: Page
  /** Fails when the page has complained, broken, or asked another machine for anything. */
  expectNoConsoleErrors(): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a window with a profile of its own. `tolerated` are complaints that belong to the test: a server that is away. */
export async function openWindow(
  browser: Browser,
  url: string,
  { tolerated, ...options }: BrowserContextOptions & { tolerated?: RegExp } = {},
): Promise<BrowserWindow> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const { origin } = new URL(url)
  const complaints: string[] = []
  const complain = (text: string) => {
    if (!tolerated?.test(text)) complaints.push(text)
  }
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text())
  })
  page.on('pageerror', (error) => complain(String(error)))
  page.on('request', (request) => {
    const asked = new URL(request.url())
    if (/^https?:$/.test(asked.protocol) && asked.origin !== origin) complain(`asked ${asked.href}`)
  })
  await page.goto(url)
  return {
    page,
    expectNoConsoleErrors: () => expect(complaints).toEqual([]),
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Drops files on an element, as a person does with the mouse. */
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

/** Waits until what is read from the page or the server fits; for what no locator can wait for. */
export async function waitUntil<Value>(
  read: () => Value | Promise<Value>,
  fits: (value: Value) => boolean,
): Promise<Value> {
  let seen: Value | undefined
  await expect
    .poll(
      async () => {
        seen = await read()
        return fits(seen)
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBe(true)
  return seen as Value
}
