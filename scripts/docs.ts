import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { settings } from '../server/config.ts'

/** The page whose table is made from the settings themselves. */
export const configurationPage = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))

const start = '<!-- settings: made by `npm run docs` -->'
const end = '<!-- /settings -->'

/** The page's text with its table brought up to date; what stands around the table is written by hand. */
export function withSettings(page: string): string {
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  if (from < 0 || to < from)
    throw new Error(`${configurationPage} has lost the marks around its table: ${start} … ${end}`)
  return `${page.slice(0, from + start.length)}\n\n${table()}\n\n${page.slice(to)}`
}

function table(): string {
  const { properties = {} } = z.toJSONSchema(settings, { io: 'input' })
  const rows = Object.entries(properties).map(([name, property]) => {
    if (typeof property === 'boolean') throw new Error(`${name} has no schema.`)
    const { default: usual, description } = property
    const value = typeof usual === 'string' ? usual.replaceAll(',', ', ') : ''
    return `| \`${name}\` | ${value === '' ? '' : `\`${value}\``} | ${(description ?? '').replaceAll('|', '\\|')} |`
  })
  return ['| Setting | Default | What it is for |', '| --- | --- | --- |', ...rows].join('\n')
}

if (import.meta.main) {
  const page = await readFile(configurationPage, 'utf8')
  await writeFile(configurationPage, withSettings(page))
}
