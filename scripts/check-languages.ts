// Checks the translations of the page: `npm run check` runs it.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Catalogs, directionProblems, problemsOf } from './languages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): [string, string] => [file, readFileSync(path.join(root, file), 'utf8')]

const sources = globSync('web/**/*.{ts,tsx}', { cwd: root, exclude: ['**/*.test.*', 'web/dist/**'] }).map(
  read,
)
const catalogs: Catalogs = Object.fromEntries(
  globSync('web/languages/*.json', { cwd: root })
    .map(read)
    .map(([file, text]) => [path.basename(file, '.json'), JSON.parse(text) as Record<string, string>]),
)
const styles = globSync('web/**/*.css', { cwd: root, exclude: ['web/dist/**'] }).map(read)

const problems = [
  ...problemsOf(sources, catalogs),
  ...styles.flatMap(([file, content]) => directionProblems(file, content)),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
