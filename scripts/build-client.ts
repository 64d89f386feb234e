// Writes client/dist, the contents of the package @gabee/client: one module without schemas, and its types.
import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = path.join(root, 'client/dist')
/** Modules of the contract without operations, and those of foreign protocols, which have other clients. */
const omitted = /(?:\.test|\/(?:index|operation|completions|openai|ollama|mcp))\.ts$/

type Exports = Record<string, unknown>
const isSchema = (value: unknown): boolean => typeof value === 'object' && value !== null && '_zod' in value
const isOperation = (value: unknown): value is { method: string; path: string } =>
  typeof value === 'object' && value !== null && 'method' in value && 'path' in value
const isEvents = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.values(value).every(isSchema)

/**
 * Returns the names and sources, without schemas, of a module's exports that are operations, stream events or
 * functions. The functions that the client imports use nothing else of their modules.
 */
function withoutSchemas(exports: Exports): { name: string; code: string; isPublic: boolean }[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    const isPublic = typeof value !== 'function'
    if (!isPublic) return { name, code: `export const ${name} = ${String(value)}`, isPublic }
    if (isOperation(value)) {
      const { method, path: url } = value
      return { name, isPublic, code: `export const ${name} = ${JSON.stringify({ method, path: url })}` }
    }
    if (!name.endsWith('Events') || !isEvents(value)) return []
    const kinds = Object.keys(value).map((kind) => `${kind}: unchecked`)
    return { name, isPublic, code: `export const ${name} = { ${kinds.join(', ')} }` }
  })
}

const unchecked = 'const unchecked = { safeParse: (data) => ({ success: true, data }) }'
const modules = new Map<string, ReturnType<typeof withoutSchemas>>()
for (const file of globSync('contract/*.ts', { cwd: root }).toSorted()) {
  if (!omitted.test(file))
    modules.set(path.join(root, file), withoutSchemas((await import(path.join(root, file))) as Exports))
}

const entry = path.join(root, 'client/package-entry.ts')
/** The entry point of the package: the client, and the operations and events of the contract. */
const entryCode = (extension: string, types: boolean): string =>
  [
    `export * from './${types ? 'client/' : ''}index${extension}'`,
    ...[...modules].flatMap(([file, exported]) => {
      const module = `${types ? './contract' : '../contract'}/${path.basename(file, '.ts')}${extension}`
      const names = exported.flatMap(({ name, isPublic }) => (isPublic ? name : [])).join(', ')
      return [
        ...(names === '' ? [] : [`export { ${names} } from '${module}'`]),
        ...(types ? [`export type * from '${module}'`] : []),
      ]
    }),
    '',
  ].join('\n')

const contractWithoutSchemas: Plugin = {
  name: 'contract-without-schemas',
  enforce: 'pre',
  resolveId: (id) => (id === entry ? id : undefined),
  load(id) {
    if (id === entry) return entryCode('.ts', false)
    const exported = modules.get(id)
    return exported && [unchecked, ...exported.map(({ code }) => code)].join('\n')
  },
}

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  plugins: [contractWithoutSchemas],
  build: {
    outDir: target,
    emptyOutDir: true,
    minify: false,
    target: 'es2023',
    lib: { entry, formats: ['es'], fileName: 'index' },
    rolldownOptions: { external: ['eventsource-parser'] },
  },
})
if (!process.argv.includes('--without-types')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'client'], {
    cwd: root,
    stdio: 'inherit',
  })
  await writeFile(path.join(target, 'index.d.ts'), entryCode('.ts', true))
}
