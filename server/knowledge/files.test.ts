import { createReadStream } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../test/files/folder.ts'
import { originals } from './files.ts'

vi.mock('node:fs/promises', async (load) => {
  const actual = await load<typeof fs>()
  return { ...actual, open: vi.fn(actual.open) }
})

const open = vi.mocked(fs.open)
const { open: actualOpen } = await vi.importActual<typeof fs>('node:fs/promises')
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  open.mockImplementation(actualOpen)
  await folder[Symbol.asyncDispose]()
})

const failure = (code: string) => Object.assign(new Error(code), { code })
const incoming = () => fs.readdir(join(folder.path, 'incoming'))

test('a full disk fails with insufficient_storage and leaves no file', async () => {
  open.mockImplementation(async (...given) => {
    const file = await actualOpen(...given)
    vi.spyOn(file, 'writeFile').mockRejectedValue(failure('ENOSPC'))
    return file
  })
  await expect(originals(folder.path).stage([Buffer.from('text')])).rejects.toMatchObject({
    status: 507,
    code: 'insufficient_storage',
    message: expect.stringContaining('The disk of the server is full'),
  })
  expect(await incoming()).toEqual([])
})

test('a stream is closed when staging fails before reading it', async () => {
  const source = createReadStream(await folder.write('source.txt', 'text'))
  open.mockRejectedValue(failure('EMFILE'))
  await expect(originals(folder.path).stage(source)).rejects.toThrow('EMFILE')
  expect(source.destroyed).toBe(true)
})

test('files are kept on systems that cannot sync a folder', async () => {
  const store = originals(folder.path)
  const staged = await store.stage([Buffer.from('text')])
  open.mockRejectedValue(failure('EPERM'))
  await store.keep([staged])
  expect(await store.has(staged.sha256)).toBe(true)
})
