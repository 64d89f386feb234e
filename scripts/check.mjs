// What `npm run check` runs: types, lint, format, the import rules of the design, what nobody uses.
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { root, run, say } from './prepare.mjs'

const tool = (name) => path.join(root, 'node_modules', name)
const cruised = ['contract', 'server', 'web', 'test', 'bench', 'scripts']

const checks = {
  types: { args: [tool('typescript/bin/tsc'), '-p', '.'] },
  lint: { args: [tool('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings'] },
  format: { args: [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'] },
  imports: {
    args: [tool('dependency-cruiser/bin/dependency-cruiser.mjs'), ...cruised],
    verify: sawEverySource,
  },
  unused: { args: [tool('knip/bin/knip.js')] },
}

/** Runs all checks, some at a time, shows what each found, and gives the exit code. */
export async function runChecks(node) {
  const waiting = Object.entries(checks)
  let failed = 0
  const workThrough = async () => {
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      const [name, { args, verify }] = entry
      const { code, output } = await run(node, args)
      const complaint = code === 0 ? await verify?.(output) : output.trimEnd()
      if (complaint !== undefined) failed += 1
      say(complaint === undefined ? `✓ ${name}` : `✗ ${name}\n${complaint}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(3, availableParallelism()) }, workThrough))
  return failed > 0 ? 1 : 0
}

/** With a compiler that it does not know, dependency-cruiser reads no TypeScript and finds nothing wrong. */
async function sawEverySource(output) {
  const seen = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0)
  const lists = await Promise.all(
    cruised.map((folder) => readdir(path.join(root, folder), { recursive: true })),
  )
  const sources = lists.flat().filter((name) => /\.tsx?$/.test(name) && !name.startsWith('dist'))
  if (seen >= sources.length) return undefined
  return `Only ${seen} of ${sources.length} source files were looked at.\n${output.trimEnd()}`
}
