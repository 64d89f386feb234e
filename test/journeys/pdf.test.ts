import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findProgram } from '../../scripts/services/find.ts'
import { openPdf } from '../../server/knowledge/parsers/formats/pdf/pdfium.ts'
import { bodyOf, uploadFiles } from '../builders.ts'
import { temporaryFolder } from '../files/folder.ts'
import { scansPdf } from '../files/pdf.ts'
import { pngOf } from '../files/picture.ts'
import { createPdf } from '../pdf.ts'
import { startServer } from '../server-process.ts'
import { openBrowser, openWindow, waitUntil } from './browser.ts'
import { chatPage } from './chat-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => await browser?.close())

const rain = 'It rained on the coast, and the keepers of the light wrote so in their book every evening. '
const chronicle = {
  name: 'chronicle.pdf',
  content: createPdf([
    rain.repeat(12),
    `${rain.repeat(8)}\n\nIn the year 1931 Ottilie Brandt repaired the lighthouse with forty brass wheels.\n\n${rain.repeat(20)}`,
    rain.repeat(3),
  ]),
  type: 'application/pdf',
}
const question = 'Who repaired the lighthouse with forty brass wheels?'

/** Opens the first source of an answer. */
async function openSource(page: Page): Promise<Locator> {
  await page
    .getByRole('button', { name: /^Source \d/ })
    .first()
    .click()
  return page.getByLabel('Source', { exact: true })
}

/** Returns the share of dark pixels in the first highlighted box and on the whole page. */
function darkShare(panel: Locator): Promise<{ marked: number; whole: number }> {
  return panel.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const paper = canvas.getBoundingClientRect()
    const mark = canvas.parentElement?.querySelector('mark i')?.getBoundingClientRect() ?? new DOMRect()
    const scale = canvas.width / paper.width
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
    const share = (box: DOMRect) => {
      let dark = 0
      let all = 0
      for (let y = Math.ceil((box.top - paper.top) * scale); y < (box.bottom - paper.top) * scale - 1; y++)
        for (
          let x = Math.ceil((box.left - paper.left) * scale);
          x < (box.right - paper.left) * scale - 1;
          x++
        ) {
          all += 1
          if ((pixels[4 * (y * canvas.width + x)] ?? 255) < 128) dark += 1
        }
      return dark / all
    }
    return { marked: share(mark), whole: share(paper) }
  })
}

test.each([1280, 390])(
  'a citation opens the PDF page with the passage highlighted, %i pixels wide',
  async (width) => {
    await using server = await startServer()
    await uploadFiles(server, [chronicle])
    await using window = await openWindow(browser, `${server.url}/chat/local`, {
      viewport: { width, height: 800 },
    })
    const { page } = window
    const chat = chatPage(page)
    await chat.ask(question)
    await chat.waitUntilComplete()

    const panel = await openSource(page)
    const paper = panel.getByRole('img', { name: 'Page 2 of chronicle' })
    await paper.waitFor()
    expect(await panel.locator('mark').textContent()).toContain('Ottilie Brandt')
    // Only the sentence that supports the answer is emphasized.
    expect(await panel.locator('mark i.emphasized').count()).toBe(1)
    const { marked, whole } = await darkShare(panel)
    expect(whole).toBeGreaterThan(0.01)
    expect(marked).toBeGreaterThan(3 * whole)

    // The highlight is scrolled into view within the panel, and the window is not scrolled.
    const seen = await panel.locator('mark i.emphasized').boundingBox()
    expect(seen?.y).toBeGreaterThan(0)
    expect(seen?.y).toBeLessThan(800)
    expect(await page.evaluate(() => scrollY)).toBe(0)

    await panel.getByRole('button', { name: 'Next page' }).click()
    await panel.getByRole('img', { name: 'Page 3 of chronicle' }).waitFor()
    expect(await panel.locator('mark').count()).toBe(0)
    await panel.getByRole('button', { name: 'Previous page' }).click()
    await paper.waitFor()

    const paperWidth = () => paper.evaluate((canvas) => canvas.getBoundingClientRect().width)
    if (width === 390) {
      // On a phone the page opens enlarged.
      const enlarged = await paperWidth()
      await panel.getByRole('button', { name: 'Fit width' }).click()
      await waitUntil(paperWidth, (fitting) => fitting === enlarged / 2)
    }
    const narrow = await paperWidth()
    await panel.getByRole('button', { name: 'Zoom in' }).click()
    await waitUntil(paperWidth, (wide) => wide === 2 * narrow)
    await panel.getByRole('button', { name: 'Fit width' }).click()

    await panel.getByRole('button', { name: 'Show text' }).click()
    await panel.locator('.document-text mark strong', { hasText: 'Ottilie Brandt' }).waitFor()
    await panel.getByRole('button', { name: 'Show original' }).click()
    await paper.waitFor()

    // The source opens at the same place after a reload.
    await page.reload()
    await chat.waitUntilComplete()
    const again = await openSource(page)
    await again.getByRole('img', { name: 'Page 2 of chronicle' }).waitFor()
    expect(await again.locator('mark').textContent()).toContain('Ottilie Brandt')
    window.expectNoErrors()
  },
)

test('a citation of a replaced document shows the cited text, that of a deleted one nothing', async () => {
  await using server = await startServer()
  const [first] = await uploadFiles(server, [chronicle])
  await using window = await openWindow(browser, `${server.url}/chat/local`, { ignoredErrors: /404/ })
  const { page } = window
  const chat = chatPage(page)
  await chat.ask(question)
  await chat.waitUntilComplete()

  await uploadFiles(server, [{ ...chronicle, content: createPdf([rain, 'The lighthouse was pulled down.']) }])
  const panel = await openSource(page)
  await panel.getByText('The passage was not found on this page.').waitFor()
  expect(await panel.locator('mark').textContent()).toContain('Ottilie Brandt')
  await panel.getByRole('img', { name: 'Page 2 of chronicle' }).waitFor()
  await panel.getByRole('button', { name: 'Close' }).click()
  await panel.waitFor({ state: 'detached' })

  bodyOf(await server.delete(`/documents/${first?.doc_id}`))
  await page.reload()
  await chat.waitUntilComplete()
  await page.getByText('Document deleted').waitFor()
  expect(await page.locator('main').textContent()).not.toContain('Ottilie Brandt')
  window.expectNoErrors()
})

test('shows the page’s text if PDFs cannot be rendered', async () => {
  await using server = await startServer()
  await uploadFiles(server, [chronicle])
  await using window = await openWindow(browser, `${server.url}/chat/local`, { ignoredErrors: /ERR_FAILED/ })
  const { page } = window
  await page.route(/pdfium.*\.wasm/, (route) => route.abort())
  const chat = chatPage(page)
  await chat.ask(question)
  await chat.waitUntilComplete()
  const panel = await openSource(page)
  await panel.getByText('The original cannot be displayed.').waitFor()
  await panel.locator('.document-text mark strong', { hasText: 'Ottilie Brandt' }).waitFor()
  window.expectNoErrors()
})

test.skipIf(!findProgram('tesseract'))('a passage of a scan or an image is highlighted on it', async () => {
  await using server = await startServer({ OCR_LANGUAGES: 'eng' })
  await using folder = await temporaryFolder()
  const words = {
    scan: 'Ottilie Brandt repaired the lighthouse.',
    photo: 'The lighthouse was repaired in a storm.',
  }
  using print = await openPdf(await folder.write('print.pdf', createPdf(Object.values(words))))
  const seen = (page: number) =>
    print.withPage(page, (drawn) => drawn.portableGraymap(200)) ?? new Uint8Array()
  const results = await uploadFiles(server, [
    { name: 'scan.pdf', content: Uint8Array.from(scansPdf([seen(0)])) },
    { name: 'photo.png', content: Uint8Array.from(pngOf(seen(1))) },
  ])
  expect(results).toMatchObject([{ success: true }, { success: true }])

  await using window = await openWindow(browser, `${server.url}/search`)
  const { page } = window
  const field = page.getByRole('searchbox', { name: 'Search everything' })
  await field.fill('Who repaired the lighthouse?')
  await field.press('Enter')
  const found = page.getByRole('list', { name: 'Results' })
  for (const title of ['scan', 'photo'] as const) {
    await found.getByRole('button', { name: new RegExp(`^Document ${title}`) }).click()
    const dialog = page.getByRole('dialog', { name: title })
    const picture = dialog.getByRole('img', { name: title === 'scan' ? 'Page 1 of scan' : 'photo' })
    await waitUntil(
      async () => (await picture.boundingBox())?.height ?? 0,
      (height) => height > 300,
    )
    expect(await dialog.locator('mark').textContent()).toContain(words[title])
    const [line, paper] = [await dialog.locator('mark i').first().boundingBox(), await picture.boundingBox()]
    // The text is the first line of the page and covers less than half of its width.
    expect((line?.y ?? 0) - (paper?.y ?? 0)).toBeLessThan((paper?.height ?? 0) / 5)
    expect(line?.width).toBeGreaterThan((paper?.width ?? 0) / 5)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
  window.expectNoErrors()
})
