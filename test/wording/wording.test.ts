import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bannedWords } from './banned-words.ts'
import { readUserTexts } from './user-texts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['contract', 'web', 'server']

test.each(folders)('texts for users in %s contain no banned words', (folder) => {
  const files = globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root, exclude: ['**/*.test.*', 'web/dist/**'] })
  const texts = files.flatMap((file) => readUserTexts(root, file))
  expect(texts.length).toBeGreaterThan(100)
  const problems = texts.flatMap(({ file, line, text }) =>
    bannedWords.flatMap(({ pattern, instead }) => {
      const match = pattern.exec(text)
      return match ? [`${file}:${line}: “${match[0]}” in “${text}”. Write: ${instead}.`] : []
    }),
  )
  expect(problems).toEqual([])
})

test('texts are read from JSX, literals, templates and messages', () => {
  const texts = (file: string) => readUserTexts(root, file).map(({ text }) => text)
  expect(texts('web/screens/settings/proof-field.tsx')).toContain('Current password')
  expect(texts('web/screens/avees/delete-avee.tsx')).toContain('Delete {name}?')
  expect(texts('web/screens/avees/delete-avee.tsx')).not.toContain('../../ui/button.tsx')
})
