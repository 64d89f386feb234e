// Writes dist/, the contents of the package: the server as JavaScript, and the built page.

import { globSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('..', import.meta.url))
const target = path.join(root, 'dist')
/** Relative paths of modules in imports and URLs. */
const modulePath = /(['"])(\.\.?\/[^'"\n]*)\.ts\1/g

await rm(target, { recursive: true, force: true })
for (const file of globSync('{client,contract,server}/**/*.ts', { cwd: root })) {
  if (/\.test\.ts$|^client.(?:dist|examples)\W/.test(file)) continue
  const code = stripTypeScriptTypes(await readFile(path.join(root, file), 'utf8'))
  const output = path.join(target, file.replace(/\.ts$/, '.js'))
  await mkdir(path.dirname(output), { recursive: true })
  await writeFile(output, code.replaceAll(modulePath, '$1$2.js$1'))
}
const data = 'server/models/in-process/llama/packages.json'
await cp(path.join(root, data), path.join(target, data))
await cp(path.join(root, 'web/dist'), path.join(target, 'web/dist'), { recursive: true })
const { name, version, type } = packageJson
const imports = { '#contract': './contract/index.js' }
await writeFile(path.join(target, 'package.json'), `${JSON.stringify({ name, version, type, imports })}\n`)
