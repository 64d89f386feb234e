// Takes the screenshots of README.md and docs/ with Chromium: a guest house, its documents and a scripted model.
import { fileURLToPath } from 'node:url'
import { createAvee, uploadFiles } from '../test/builders.ts'
import { openBrowser, openWindow } from '../test/journeys/browser.ts'
import { chatPage } from '../test/journeys/chat-page.ts'
import { startOllama } from '../test/model-servers.ts'
import { createPdf } from '../test/pdf.ts'
import { startServer } from '../test/server-process.ts'
import { findChromium } from './services/find.ts'

const imageOf = (name: string) => fileURLToPath(new URL(`../docs/${name}.png`, import.meta.url))

const houseRules = `House rules

Arrival

Rooms are ready from 3 p.m. If you arrive after 9 p.m., the key is in the box beside the green door; the code is in your
confirmation. Please leave your shoes in the hall, because the floors are old and soft.

Breakfast

Breakfast is served in the garden room from 7.30 to 10 a.m., on Sundays until 11. We bake the bread ourselves. Tell us the
evening before if you want to leave early: then a box with bread, fruit and a flask of coffee stands ready at 6 a.m.

Boats

Guests may use the two rowing boats at the jetty without charge. Life jackets hang in the boat house and have to be worn by
children under twelve. The lake is closed to boats when the red flag is up.
`
const walks = `Walks from the house

The path around the lake is 11 kilometres long and takes three hours. It is level, and fit for prams as far as the mill.

The way up to the chapel climbs 320 metres in an hour and a half. From there one sees the whole valley. Take water: the
spring at the top is dry from July on.
`
const winter = `# Closing for winter

Drain the pipes of the boat house by the first of November. The chimney sweep comes in the second week of October.
`
const answer =
  'Breakfast is in the garden room from 7.30 to 10 a.m., and until 11 on Sundays [1]. If you leave earlier, tell us the evening before: a **box with bread, fruit and a flask of coffee** then stands ready at 6 a.m. [1]'

process.env['CHROMIUM'] ??= findChromium() ?? ''
await using ollama = await startOllama()
ollama.always('/api/chat', { tokens: answer.match(/\S+\s*/g) ?? [] })
await using server = await startServer({ OLLAMA_BASE_URL: ollama.url })
const avee = await createAvee(server, {
  handle: 'lakehouse',
  display_name: 'The Lake House',
  avatar: '🏡',
  bio: 'Your hosts at the lake, at any hour.',
  persona:
    'You are the host of a small guest house at a lake: warm, brief, practical.\nYou answer from the house rules and the walks, and say so when you do not know.\n\nGuest: Is there a kettle?\nHost: Yes, in the garden room, and tea beside it.',
  greeting: 'Welcome! Ask me about the house, breakfast, or where to walk.',
  example_questions: ['When is breakfast?', 'May we use the boats?', 'Where can we walk with a pram?'],
  visibility: 'public',
})
const rules = { name: 'House rules.pdf', content: createPdf([houseRules]) }
const paths = { name: 'Walks.pdf', content: createPdf([walks]) }
const closing = { name: 'Closing for winter.md', content: winter }
await uploadFiles(server, [rules, paths], { avee: avee.id, layer: 'public' })
await uploadFiles(server, [rules, paths, closing])

const browser = await openBrowser()
try {
  await using window = await openWindow(browser, `${server.url}/chat/lakehouse`, {
    viewport: { width: 1360, height: 860 },
    deviceScaleFactor: 2,
    reducedMotion: 'reduce',
  })
  const { page } = window
  const take = async (name: string) => {
    await page.mouse.move(0, 0)
    await page.waitForLoadState('networkidle')
    await page.evaluate(async () => {
      await document.fonts.ready
    })
    await page.screenshot({ path: imageOf(name), scale: 'css' })
  }
  const chat = chatPage(page)
  await chat.ask('Until when is breakfast served on Sundays, and what if we leave early?')
  await chat.waitUntilComplete()
  await chat.lastAnswer.getByRole('button', { name: '1' }).first().click()
  await page
    .getByRole('complementary', { name: 'Source' })
    .locator('mark')
    .first()
    .waitFor({ state: 'attached' })
  await take('chat')
  await page.goto(`${server.url}/avee/lakehouse`)
  await page.getByRole('textbox', { name: 'Persona' }).waitFor()
  await take('avee')
  await page.goto(`${server.url}/library`)
  await page.getByText('Closing for winter').first().waitFor()
  await take('library')
} finally {
  await browser.close()
}
