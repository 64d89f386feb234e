import { expect, test } from 'vitest'
import { showProgress } from './chat-engine.ts'

async function outputOf(isTTY: boolean, states: string[]): Promise<string> {
  let output = ''
  async function* events() {
    for (const status of states) yield { status }
  }
  await showProgress(events(), { isTTY, write: (text) => (output += text) })
  return output
}

test('shows progress in one line of a terminal, and its first and last state elsewhere', async () => {
  const states = ['1 of 3 packages', '2 of 3 packages', '3 of 3 packages', 'success']
  expect(await outputOf(true, states)).toBe('\r1 of 3 packages\r2 of 3 packages\r3 of 3 packages\n')
  expect(await outputOf(false, states)).toBe('1 of 3 packages\n3 of 3 packages\n')
  expect([await outputOf(true, ['success']), await outputOf(false, ['success'])]).toEqual(['', ''])
})
