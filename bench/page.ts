/**
 * Measures long conversations in the page, in a real browser.
 *
 *     node bench/page.ts [--messages 1000,10000] [--rounds 3]
 *
 * Answers are Markdown with a list, a table and code. Reports the time until the last message is shown, the time from
 * a key press to the next frame while typing, the times between frames while scrolling from the end to the start with
 * 1,500 pixels per frame, and the JavaScript heap and elements of the page before and after it. Medians of the rounds.
 * Build the page before with `npm start`; CHROMIUM is the path of the browser.
 */
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { startApp } from '../test/app.ts'
import { createConversation, storeTurns } from '../test/builders.ts'
import { openBrowser, openWindow } from '../test/journeys/browser.ts'
import { chatPage } from '../test/journeys/chat-page.ts'
import { fixed, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '1000,10000' }, rounds: { type: 'string', default: '3' } },
})
const sizes = values.messages.split(',').map(Number)
const rounds = Number(values.rounds)

const answerOf = (
  n: number,
) => `Answer **${n}** has *several* parts, with \`code\` and [a link](https://example.org).

${'The harbour opens at dawn and closes when the last boat has come home. '.repeat(1 + (n % 5))}

- one item of ${n}
- another item, longer than the first

${n % 4 === 0 ? '| place | boats |\n| --- | --- |\n| Vellmar | 12 |\n| Oder | 7 |\n' : ''}
${n % 6 === 0 ? '```ts\nconst boats = 12\nexport const open = (hour: number) => hour > 6\n```\n' : ''}`

await using app = await startApp()
const browser = await openBrowser()

async function heapMegabytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize / 1e6
}

/** Scrolls up by `step` pixels per frame until the start. Returns the times between frames in ms. */
const scrollToStart = (page: Page, step: number) =>
  page.evaluate(async (pixels) => {
    const list = document.querySelector('.thread')
    if (!list) throw new Error('The conversation is not shown.')
    const times: number[] = []
    for (let last = performance.now(); list.scrollTop > 0; ) {
      list.scrollTop -= pixels
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
      times.push(now - last)
      last = now
    }
    return times
  }, step)

async function measure(url: string, lastText: string) {
  await using window = await openWindow(browser, url.replace(/[^/]*$/, ''))
  const { page } = window
  await chatPage(page).input.waitFor()
  const startedAt = performance.now()
  await page.goto(url)
  await page.getByText(lastText).waitFor()
  const open = performance.now() - startedAt
  const input = chatPage(page).input
  await input.focus()
  await page.evaluate(() => {
    const delays: number[] = []
    Object.assign(globalThis, { delays })
    addEventListener('keydown', ({ timeStamp }) => {
      requestAnimationFrame(() => setTimeout(() => delays.push(performance.now() - timeStamp)))
    })
  })
  await page.keyboard.type('How many boats are in the harbour?', { delay: 30 })
  const typing = await page.evaluate(() => (globalThis as unknown as { delays: number[] }).delays)
  const heapBefore = await heapMegabytes(page)
  const frames = await scrollToStart(page, 1_500)
  await page.getByText('Question 1?', { exact: true }).waitFor()
  // Pages out of sight are forgotten after 10 seconds.
  await page.waitForTimeout(12_000)
  const elements = await page.evaluate(() => document.querySelectorAll('*').length)
  return { open, typing, frames, heapBefore, heapAfter: await heapMegabytes(page), elements }
}

const median = (list: number[]) => fixed(quantile(list, 0.5), 0)
print(
  '| messages | open, ms | key to frame, ms (p50 / max) | frames while scrolling, ms (p50 / p99 / max) | heap, MB (before / after) | elements |',
)
print('| --- | --- | --- | --- | --- | --- |')
for (const size of sizes) {
  const { id } = await createConversation(app, 'local')
  const turns = Array.from({ length: size / 2 }, (_, i) => ({
    question: `Question ${i + 1}?`,
    answer: answerOf(i + 1),
  }))
  await storeTurns(app, id, turns)
  const results: Awaited<ReturnType<typeof measure>>[] = []
  for (let round = 0; round < rounds; round += 1)
    results.push(await measure(`${app.url}/chat/local/${id}`, `Question ${size / 2}?`))
  const of = (value: (result: (typeof results)[number]) => number) => median(results.map(value))
  print(
    `| ${size} | ${of(({ open }) => open)} | ${of(({ typing }) => quantile(typing, 0.5))} / ${of(({ typing }) => Math.max(...typing))} | ${of(({ frames }) => quantile(frames, 0.5))} / ${of(({ frames }) => quantile(frames, 0.99))} / ${of(({ frames }) => Math.max(...frames))} | ${of(({ heapBefore }) => heapBefore)} / ${of(({ heapAfter }) => heapAfter)} | ${of(({ elements }) => elements)} |`,
  )
}
await browser.close()
