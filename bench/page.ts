/**
 * Measures the page in a real browser: its first load, an answer that streams, and long conversations.
 *
 *     node bench/page.ts [--only load|stream|long] [--messages 1000,10000] [--rounds 3]
 *
 * load: a new chat in a new browser profile, with nothing cached. Reports the compressed script, the first contentful
 * paint, and the time until the question box is focused. stream: an answer of headings, lists, tables, code, formulas
 * and diagrams, 50 tokens per second. Reports the tasks of the main thread that last longer than 50 ms (Long Tasks
 * API), during the first answer, which loads what formulas, diagrams and code need, and during the second. long:
 * answers are Markdown with a list, a table and code. Reports the time until the last message is shown, the time from a
 * key press to the next frame while typing, the times between frames while scrolling from the end to the start with
 * 1,500 pixels per frame, and the JavaScript heap and elements of the page before and after it. Medians of the rounds.
 * Build the page first with `npm start`; CHROMIUM is the path of the browser.
 */
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { startApp } from '../test/app.ts'
import { createConversation, storeTurns } from '../test/builders.ts'
import { openBrowser, openWindow } from '../test/journeys/browser.ts'
import { chatPage } from '../test/journeys/chat-page.ts'
import { startOllama } from '../test/model-servers.ts'
import { fixed, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    messages: { type: 'string', default: '1000,10000' },
    rounds: { type: 'string', default: '3' },
  },
})
const sizes = values.messages.split(',').map(Number)
const rounds = Number(values.rounds)
const isMeasured = (part: string) => values.only === undefined || values.only === part

const answerOf = (
  n: number,
) => `Answer **${n}** has *several* parts, with \`code\` and [a link](https://example.org).

${'The harbour opens at dawn and closes when the last boat has come home. '.repeat(1 + (n % 5))}

- one item of ${n}
- another item, longer than the first

${n % 4 === 0 ? '| place | boats |\n| --- | --- |\n| Vellmar | 12 |\n| Oder | 7 |\n' : ''}
${n % 6 === 0 ? '```ts\nconst boats = 12\nexport const open = (hour: number) => hour > 6\n```\n' : ''}`

await using ollama = await startOllama()
await using app = await startApp({ OLLAMA_BASE_URL: ollama.url })
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
  // Pages out of view are discarded after 10 seconds.
  await page.waitForTimeout(12_000)
  const elements = await page.evaluate(() => document.querySelectorAll('*').length)
  return { open, typing, frames, heapBefore, heapAfter: await heapMegabytes(page), elements }
}

const median = (list: number[]) => fixed(quantile(list, 0.5), 0)

async function measureLoad() {
  await using window = await openWindow(browser, 'about:blank')
  const { page } = window
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const scripts = new Set<string>()
  let scriptBytes = 0
  session.on('Network.responseReceived', ({ type, requestId }) => {
    if (type === 'Script') scripts.add(requestId)
  })
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) scriptBytes += encodedDataLength
  })
  const startedAt = performance.now()
  await page.goto(`${app.url}/chat/local`)
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA')
  const usable = performance.now() - startedAt
  const paint = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  )
  return { paint, usable, scriptKilobytes: scriptBytes / 1024 }
}

const richAnswer = Array.from(
  { length: 6 },
  (_, n) => `## Part ${n + 1}

${answerOf(12 * (n + 1))}
${n % 2 === 0 ? '```mermaid\nflowchart LR\n  sea[Sea] --> quay{Quay}\n  quay -->|boat| harbour[Harbour]\n  quay --> street\n```\n' : ''}
The height is $h_{${n}} = \\sqrt{a^2 + b^2}$, and $$\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}$$

`,
).join('')

async function measureStream() {
  await using window = await openWindow(browser, `${app.url}/chat/local`)
  const { page } = window
  await page.evaluate(() => {
    const tasks: number[] = []
    Object.assign(globalThis, { tasks })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration)
    }).observe({ entryTypes: ['longtask'] })
  })
  const takeTasks = () => page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks.splice(0))
  const chat = chatPage(page)
  await chat.input.waitFor()
  const answers: number[][] = []
  for (const question of ['How high is it?', 'How high is it now?']) {
    await takeTasks()
    await chat.ask(question)
    await chat.waitUntilComplete()
    answers.push(await takeTasks())
  }
  const [first = [], second = []] = answers
  return { first, second }
}

const repeat = async <Result>(measureOnce: () => Promise<Result>): Promise<Result[]> => {
  const results: Result[] = []
  for (let round = 0; round < rounds; round += 1) results.push(await measureOnce())
  return results
}

if (isMeasured('load')) {
  const results = await repeat(measureLoad)
  print('| compressed script, KiB | first contentful paint, ms | question box focused, ms |')
  print('| --- | --- | --- |')
  print(
    `| ${median(results.map(({ scriptKilobytes }) => scriptKilobytes))} | ${median(results.map(({ paint }) => paint))} | ${median(results.map(({ usable }) => usable))} |`,
  )
}

if (isMeasured('stream')) {
  ollama.always('/api/chat', { tokens: richAnswer.match(/\s*\S+\s?/g) ?? [], delayMs: 20 })
  const results = await repeat(measureStream)
  print('| answer | tasks over 50 ms | longest task, ms |')
  print('| --- | --- | --- |')
  for (const answer of ['first', 'second'] as const) {
    const tasks = results.map((result) => result[answer])
    print(
      `| ${answer} | ${median(tasks.map(({ length }) => length))} | ${median(tasks.map((list) => Math.max(0, ...list)))} |`,
    )
  }
}

if (isMeasured('long')) await measureLong()
await browser.close()

async function measureLong(): Promise<void> {
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
    const results = await repeat(() => measure(`${app.url}/chat/local/${id}`, `Question ${size / 2}?`))
    const of = (value: (result: (typeof results)[number]) => number) => median(results.map(value))
    print(
      `| ${size} | ${of(({ open }) => open)} | ${of(({ typing }) => quantile(typing, 0.5))} / ${of(({ typing }) => Math.max(...typing))} | ${of(({ frames }) => quantile(frames, 0.5))} / ${of(({ frames }) => quantile(frames, 0.99))} / ${of(({ frames }) => Math.max(...frames))} | ${of(({ heapBefore }) => heapBefore)} / ${of(({ heapAfter }) => heapAfter)} | ${of(({ elements }) => elements)} |`,
    )
  }
}
