import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { settings } from '../server/config.ts'
import { configurationPage, withSettings } from './docs.ts'

test('docs/configuration.md lists the settings as the server reads them (npm run docs brings it up to date)', async () => {
  const page = await readFile(configurationPage, 'utf8')
  expect(page).toBe(withSettings(page))
  for (const name of Object.keys(settings.shape)) expect(page).toContain(`| \`${name}\` |`)
})

test('every setting says what it is for', () => {
  const silent = Object.entries(settings.shape).filter(([, schema]) => !schema.description)
  expect(silent).toEqual([])
})
