// The checks of `npm run check`: types, lint, format, import rules, unused code, linear patterns, translations.
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { root, run, say } from './prepare.mjs'

const tool = (name) => path.join(root, 'node_modules', name)
const cruised = ['client', 'contract', 'server', 'web', 'test', 'bench', 'scripts']

const checks = {
  types: { args: [tool('typescript/bin/tsc'), '-p', '.'] },
  lint: { args: [tool('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings'] },
  format: { args: [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'] },
  imports: {
    args: [tool('dependency-cruiser/bin/dependency-cruiser.mjs'), ...cruised],
    verify: verifyAllFilesRead,
  },
  unused: { args: [tool('knip/bin/knip.js')] },
  patterns: { args: ['scripts/check-patterns.ts'] },
  languages: { args: ['scripts/check-languages.ts'] },
}

/** Runs all checks with bounded concurrency, prints their results and returns the exit code. */
export async function runChecks(node) {
  const queue = Object.entries(checks)
  let failed = 0
  const processQueue = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      const [name, { args, verify }] = entry
      const { code, output } = await run(node, args)
      const problem = code === 0 ? await verify?.(output) : output.trimEnd()
      if (problem !== undefined) failed += 1
      say(problem === undefined ? `✓ ${name}` : `✗ ${name}\n${problem}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(3, availableParallelism()) }, processQueue))
  return failed > 0 ? 1 : 0
}

/** dependency-cruiser skips TypeScript files without an error if it does not support the compiler's version. */
async function verifyAllFilesRead(output) {
  const readCount = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0)
  const lists = await Promise.all(
    cruised.map((folder) => readdir(path.join(root, folder), { recursive: true })),
  )
  const sources = lists.flat().filter((name) => /\.tsx?$/.test(name) && !/^(?:dist|examples)\W/.test(name))
  if (readCount >= sources.length) return undefined
  return `dependency-cruiser read only ${readCount} of ${sources.length} source files.\n${output.trimEnd()}`
}
