import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { settings } from '../server/settings.ts'
import { brokenLinks, renderPages } from './build-docs.ts'
import { configurationPage, withSettings } from './docs.ts'

test('docs/configuration.md lists the current settings (update it with npm run docs)', async () => {
  const page = await readFile(configurationPage, 'utf8')
  expect(page).toBe(withSettings(page))
  for (const name of Object.keys(settings.shape)) expect(page).toContain(`| \`${name}\` |`)
})

test('every setting has a description', () => {
  const undescribed = Object.entries(settings.shape).filter(([, schema]) => !schema.description)
  expect(undescribed).toEqual([])
})

test('links of the documentation lead to files and headings that exist', async () => {
  const pages = await renderPages()
  expect(pages.get('docs/guide.md')?.title).toBe('User guide')
  expect(brokenLinks(pages)).toEqual([])
})
