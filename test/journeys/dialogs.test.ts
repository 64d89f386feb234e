import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import { findTranslationProblems, findViolations } from './axe.ts'
import { dropFiles, openBrowser, openWindow, waitUntil } from './browser.ts'

let browser: Browser
let ollama: ScriptedOllama
let server: ServerProcess
let user: TestUser
let folder: string
let groups: Group[]

/** The name of a button, menu item, tab or switch to press, or something else to do. */
type Step = string | RegExp | ((page: Page) => Promise<unknown>)
/** The title of a dialog in the source, an English sentence or else the expression, and the steps that open it. */
type Dialog = readonly [title: string, ...steps: Step[]]
/** The dialogs of a screen; `text` appears when it has loaded. */
type Group = { path: string; text: string; before?: (page: Page) => Promise<unknown>; dialogs: Dialog[] }

/** Stays open, because the next dialog needs the file that it attaches. */
const opensNext = 'Add {count, plural, one {# file} other {# files}} to'

const now = new Date().toISOString()
const factors = { totp: false, passkeys: [] as object[], recovery_codes: 9, password: true, identity: false }

/** Returns the step that fills a field of the dialog. */
const fill =
  (label: string, text: string): Step =>
  (page) =>
    page.getByRole('dialog').getByLabel(label, { exact: true }).fill(text)

beforeAll(async () => {
  browser = await openBrowser()
  ollama = await startOllama()
  folder = await mkdtemp(path.join(tmpdir(), 'gabee-dialogs-'))
  server = await startServer({ OLLAMA_BASE_URL: ollama.url, WATCH_FOLDERS: folder })
  user = await registerUser(server, { email: 'ann@example.org', display_name: 'Ann' })
  const { client } = user
  const bo = (await registerUser(server, { email: 'bo@example.org', display_name: 'Bo' })).client
  const avee = await createAvee(client, { handle: 'ada', display_name: 'Ada' })
  await createAvee(bo, { handle: 'bob', display_name: 'Bob', visibility: 'public' })
  await bo.patch('/avees/bob/insight/settings', { allow_pass_on: true })
  await uploadFiles(
    client,
    [
      { name: 'harbour.md', content: 'The harbour of Vellmar opens at dawn.' },
      { name: 'mill.md', content: 'The mill grinds rye.' },
    ],
    { avee: avee.id, layer: 'public' },
  )
  const conversation = await createConversation(client, 'ada')
  const diagram = '```mermaid\nflowchart LR\n  Dawn --> Open\n```'
  ollama.script('/api/chat', { tokens: [`The harbour opens at dawn [1].\n\n${diagram}\n`] })
  await ask(client, conversation.id, 'When does the harbour of Vellmar open?')
  bodyOf(await client.patch(`/conversations/${conversation.id}`, { title: 'Harbour' }))
  const strange = await createConversation(client, 'bob')
  await ask(client, strange.id, 'Who grinds rye?')
  const deleted = await createConversation(client, 'ada')
  bodyOf(await client.patch(`/conversations/${deleted.id}`, { title: 'Mill' }))
  bodyOf(await client.delete(`/conversations/${deleted.id}`))
  bodyOf(await client.post('/memories', { avee: avee.id, content: 'Sails at dawn.' }))
  bodyOf(await client.post('/api-keys', { name: 'Laptop' }))
  bodyOf(await client.post(`/avees/ada/folders`, { path: folder, layer: 'public' }))
  bodyOf(
    await client.post(`/avees/ada/webhooks`, {
      url: 'https://gabee.invalid/told',
      events: ['ingest.finished'],
    }),
  )
  bodyOf(await client.post('/providers', { kind: 'ollama', name: 'cellar', base_url: ollama.url }))
  const spec = {
    openapi: '3.1.0',
    info: { title: 'Tides', version: '1' },
    servers: [{ url: 'https://tides.example' }],
    paths: { '/tides': { get: { operationId: 'tides', summary: 'Tides of today' } } },
  }
  bodyOf(await client.post(`/avees/ada/tools`, { kind: 'openapi', name: 'tides', spec }))
  groups = [
    {
      path: '/avee',
      text: 'Ada',
      dialogs: [
        ['Menu', 'Menu'],
        ['Keyboard shortcuts', (page) => page.locator('body').press('?')],
        ['Rename conversation', 'Menu', 'Actions for Harbour', 'Rename'],
        ['Delete this conversation?', 'Menu', 'Actions for Harbour', 'Delete'],
        ['Trash', 'Menu', 'Trash'],
        ['Delete permanently?', 'Menu', 'Trash', 'Delete permanently: Mill'],
        ['Create avee', 'Create avee'],
      ],
    },
    {
      path: '/avee/ada',
      text: 'Delete avee',
      dialogs: [
        [
          'Crop picture',
          async (page) => {
            const buffer = await page.screenshot()
            const portrait = { name: 'portrait.png', mimeType: 'image/png', buffer }
            await page.locator('input[type=file]').first().setInputFiles(portrait)
          },
        ],
        ['Delete {name}?', 'Delete avee'],
        ['Add text', 'Documents', 'Add text'],
        ['Add web page', 'Documents', 'Add web page'],
        ['Sync folder', 'Documents', 'Sync folder'],
        ['Stop syncing this folder?', 'Documents', /^Stop syncing/],
        ['title', 'Documents', 'Actions for harbour', 'View'],
        ['Where {title} is used', 'Documents', 'Actions for harbour', 'Where used'],
        ['Rename document', 'Documents', 'Actions for harbour', 'Rename'],
        ['Delete this document?', 'Documents', 'Actions for harbour', 'Delete'],
        [
          'Delete {count, plural, one {# document} other {# documents}}?',
          'Documents',
          (page) => page.getByRole('checkbox', { name: 'Select all documents' }).check(),
          'Delete',
        ],
        ['Add tool', 'Tools', 'Add tool'],
        ['Edit {name}', 'Tools', 'Edit tides'],
        ['Remove {name}?', 'Tools', 'Remove tides'],
        ['Deliveries', 'Webhooks', 'Deliveries'],
        ['Delete the webhook?', 'Webhooks', /^Delete https/],
        ['Add webhook', 'Webhooks', 'Add webhook'],
        [
          'Webhook added',
          'Webhooks',
          'Add webhook',
          fill('Address', 'https://gabee.invalid/later'),
          (page) => page.getByRole('dialog').getByRole('button', { name: 'Add webhook' }).click(),
        ],
      ],
    },
    {
      path: `/chat/ada/${conversation.id}`,
      text: 'opens at dawn',
      dialogs: [
        ['Source', /^Source 1/],
        ['Insight', 'More', 'Insight'],
        ['Share conversation', 'More', 'Share'],
        ['Files of this conversation', 'More', 'Files of this conversation'],
        ['Diagram', 'Enlarge diagram'],
        ['Answer details', /: Answer details$/],
        ['What was good about it?', 'Good answer', 'Add reason'],
        ['What should be different?', 'Bad answer', 'Add reason'],
        [
          opensNext,
          (page) => dropFiles(page.locator('body'), [{ name: 'mill.txt', content: 'The mill grinds rye.' }]),
        ],
        [
          'open.filename ?? open.title',
          async (page) => {
            await page
              .getByRole('dialog')
              .getByRole('button', { name: /^This conversation/ })
              .click()
            await page
              .getByRole('list', { name: 'Uploads' })
              .getByText(/^Ready/)
              .waitFor()
          },
          'More',
          'Files of this conversation',
          'mill.txt',
        ],
      ],
    },
    {
      path: `/chat/bob/${strange.id}`,
      text: 'rye',
      dialogs: [['Ask the owner of {name}', 'Ask the owner of Bob']],
    },
    {
      path: '/memory',
      text: 'Sails at dawn.',
      dialogs: [
        ['Add memory', 'Add memory'],
        ['Edit memory', /^Actions for: Sails/, 'Edit'],
        ['Turn off memory?', 'Memory: All avees'],
        ['Turn off memory for {title}?', 'Memory: Ada'],
        ['Delete all memories of {title}?', 'Delete all memories: Ada'],
      ],
    },
    {
      path: '/model',
      text: 'cellar',
      dialogs: [
        ['Add provider', 'Add provider'],
        ['Edit {name}', 'Actions for cellar', 'Edit'],
        ['Remove {name}?', 'Actions for cellar', 'Remove'],
        ['Delete {name}?', 'Actions for llama3.2:1b', 'Delete'],
        ['Delete {name}?', /^Delete /],
      ],
    },
    {
      path: '/settings',
      text: 'Authenticator app',
      dialogs: [
        ['Set up an authenticator app', 'Set up'],
        ['Add a passkey', 'Add passkey'],
        ['Link {provider}', 'Link'],
        ['Create API key', 'Create key'],
        [
          'API key created',
          'Create key',
          fill('Name', 'Phone'),
          (page) => page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click(),
        ],
        ['Revoke “{name}”?', 'Revoke'],
        ['Sign out everywhere?', 'Sign out everywhere'],
        ['Delete your account?', 'Delete account'],
      ],
    },
    {
      path: '/settings?factors',
      text: 'Create new codes',
      before: async (page) => {
        Object.assign(factors, {
          totp: true,
          identity: true,
          passkeys: [{ id: user.session.user.id, name: 'Laptop', created_at: now, last_used_at: null }],
        })
        await page.reload()
      },
      dialogs: [
        [
          'Remove “{name}”?',
          (page) =>
            page.locator('.row', { hasText: 'Laptop' }).getByRole('button', { name: 'Remove' }).click(),
        ],
        [
          'Remove the authenticator app?',
          (page) => page.locator('.row', { hasText: 'Authenticator app' }).getByRole('button').click(),
        ],
        ['Unlink {provider}?', 'Unlink'],
        ['Create new recovery codes', 'Create new codes'],
        ['Recovery codes', 'Create new codes', fill('Current password', user.password), 'Create codes'],
      ],
    },
    {
      path: '/administration',
      text: 'Bo',
      dialogs: [
        ['Invite', 'Invite'],
        ['Disable {name}?', 'Actions for Bo', 'Disable'],
        ['Delete {name}?', 'Actions for Bo', 'Delete'],
        ['Remove the second factors of {name}?', 'Actions for Bo', 'Remove second factors'],
        ['Password link', 'Actions for Bo', 'Create password link'],
      ],
    },
  ]
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Replaces the responses to some requests of the page, for states that would take long to reach. */
async function changeResponses(page: Page): Promise<void> {
  const change = (url: string, change: (body: never) => object) =>
    page.route(`${server.url}${url}`, async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: change((await response.json()) as never) })
    })
  await change('/auth/state', (body: object) => ({ ...body, oidc: 'Example' }))
  await change('/admin/users*', (body: { users: object[] }) => ({
    ...body,
    users: body.users.map((each) => ({ ...each, second_factor: true })),
  }))
  await change('/models/catalogue', (body: { models: object[] }) => ({
    ...body,
    models: body.models.map((each, i) => ({ ...each, installed: i === 0 })),
  }))
  await page.route(`${server.url}/me/factors`, (route) => route.fulfill({ json: factors }))
  await page.route(`${server.url}/me/factors/recovery-codes`, (route) =>
    route.fulfill({ status: 201, json: { recovery_codes: ['abcde-fghij', 'klmno-pqrst'] } }),
  )
}

/** Closes all dialogs. Some return to the previous one. */
async function close(page: Page): Promise<void> {
  await waitUntil(
    async () => {
      await page.keyboard.press('Escape')
      return await page.getByRole('dialog').count()
    },
    (count) => count === 0,
  )
}

/** Returns the dialogs with a title, with any values in place of its placeholders; any dialog for an expression. */
const dialogsNamed = (page: Page, title: string) =>
  /^\p{Ll}/u.test(title)
    ? page.getByRole('dialog')
    : page.getByRole('dialog', {
        name: new RegExp(`^${title.split(placeholder).map(RegExp.escape).join('.*')}$`),
      })
const placeholder = /\{(?:[^{}]|\{[^{}]*\})*\}/

/** Presses a button, menu item, tab or switch. */
async function pressNamed(page: Page, name: string | RegExp): Promise<void> {
  const options = { name, exact: true }
  await page
    .getByRole('button', options)
    .or(page.getByRole('menuitem', options))
    .or(page.getByRole('tab', options))
    .or(page.getByRole('switch', options))
    .first()
    .click()
}

test('every dialog passes the accessibility checks in every language on a phone', async () => {
  await using window = await openWindow(browser, `${server.url}/login`, {
    colorScheme: 'light',
    viewport: { width: 390, height: 844 },
    ignoredErrors: /401/,
  })
  const { page } = window
  await page.request.post(`${server.url}/auth/login`, {
    data: { email: 'ann@example.org', password: user.password },
  })
  await changeResponses(page)
  const problems: string[] = []
  await page.goto(`${server.url}/welcome`)
  for (const { path, text, before, dialogs } of groups) {
    await page.evaluate((to) => history.pushState(null, '', to), path)
    await before?.(page)
    await page.getByRole('main').filter({ hasText: text }).waitFor()
    for (const [title, ...steps] of dialogs) {
      for (const step of steps) {
        await (typeof step === 'function' ? step(page) : pressNamed(page, step))
        if (await page.getByRole('menu').isVisible())
          problems.push(...(await findViolations(page, `the menu of ${title}`, '[role=menu]')))
      }
      // A dialog may replace the previous one after a response.
      await dialogsNamed(page, title).last().waitFor()
      await page.waitForFunction(() => document.querySelector('[role=dialog] .skeleton') === null)
      problems.push(...(await findViolations(page, title, '[role=dialog]')))
      problems.push(...(await findTranslationProblems(page, title, '[role=dialog]')))
      if (title !== opensNext) await close(page)
    }
  }
  expect(problems).toEqual([])
  window.expectNoErrors()
})

test.each(['/@coast', '/embed/coast'])(
  'what visitors without an account see at %s passes the accessibility checks in every language',
  async (address) => {
    const shown = { visibility: 'public', anonymous: true, greeting: 'Ask about the coast.' }
    await user.client.post('/avees', { handle: 'coast', display_name: 'Coast', ...shown })
    const text = 'The harbour of Vellmar opens at dawn.'
    await uploadFiles(user.client, [{ name: 'coast.md', content: text }], { avee: 'coast', layer: 'public' })
    await using window = await openWindow(browser, `${server.url}${address}`, {
      viewport: { width: 390, height: 844 },
      colorScheme: 'light',
      ignoredErrors: /401/,
    })
    const { page } = window
    await page.getByText('Ask about the coast.').waitFor()
    const problems: string[] = []
    problems.push(...(await findViolations(page, `${address}, a new chat`)))
    problems.push(...(await findTranslationProblems(page, `${address}, a new chat`)))
    ollama.script('/api/chat', { tokens: ['The harbour opens at dawn [1].'] })
    await page.getByRole('textbox').fill('When does the harbour of Vellmar open?')
    await page.keyboard.press('Enter')
    const source = page.getByRole('button', { name: /^Source/ }).first()
    await source.waitFor()
    await page.getByText('Answer complete.').waitFor({ state: 'attached' })
    problems.push(...(await findViolations(page, `${address}, an answer`)))
    problems.push(...(await findTranslationProblems(page, `${address}, an answer`)))
    await source.click()
    await page.getByRole('dialog').getByText(text).waitFor()
    problems.push(...(await findViolations(page, `${address}, a source`, '[role=dialog]')))
    expect(problems).toEqual([])
    window.expectNoErrors()
  },
)

test('the list contains every dialog of the page', async () => {
  const web = fileURLToPath(new URL('../../web', import.meta.url))
  const files = globSync('{documents,screens,shell,ui}/**/*.tsx', { cwd: web })
  const titles = files
    .filter((file) => !/^ui.(?:rename-)?(?:dialog|popover)\.tsx$/.test(file))
    .flatMap((file) => titlesIn(readFileSync(path.join(web, file), 'utf8')))
  expect(groups.flatMap(({ dialogs }) => dialogs.map(([title]) => title)).toSorted()).toEqual(
    titles.toSorted(),
  )
})

/** Returns the titles of the dialogs in a source file: the sentences, or the expression of one without a sentence. */
function titlesIn(source: string): string[] {
  const titles: string[] = []
  const sentencesIn = (node: ts.Node): string[] =>
    ts.isCallExpression(node) &&
    node.expression.getText() === 't' &&
    ts.isStringLiteralLike(node.arguments[0] ?? node)
      ? [(node.arguments[0] as ts.StringLiteral).text]
      : node.getChildren().flatMap(sentencesIn)
  const visit = (node: ts.Node): void => {
    if (
      (ts.isJsxOpeningElement(node) || ts.isJsxSelfClosingElement(node)) &&
      ['Dialog', 'ConfirmDialog', 'RenameDialog', 'Drawer', 'Popover', 'SidePanel'].includes(
        node.tagName.getText(),
      )
    ) {
      for (const attribute of node.attributes.properties) {
        if (!/^(?:title|label)$/.test(attribute.name?.getText() ?? '') || !ts.isJsxAttribute(attribute))
          continue
        const found = sentencesIn(attribute)
        titles.push(...(found.length > 0 ? found : [attribute.initializer?.getText().slice(1, -1) ?? '']))
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('page.tsx', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX))
  return titles
}
