// Installs the engine of GGUF models for the tests, once, with the server's own code.
import { fileURLToPath } from 'node:url'
import { findChatEngine, installChatEngine } from '../../server/models/in-process/llama/install.ts'

export const chatEngine = {
  directory: fileURLToPath(new URL('../../node_modules/.cache/engines', import.meta.url)),
  npmEnv: process.env,
}

/** Whether the engine has binaries for this system; without them, its tests are skipped. */
export const { isSupported: hasChatEngine } = await findChatEngine(chatEngine)

/** @throws chat_engine_missing if npm cannot reach its registry */
export async function prepareChatEngine(): Promise<void> {
  if (!hasChatEngine) {
    process.stderr.write(
      `Tests of GGUF models are skipped: ${process.platform}-${process.arch} has no engine.\n`,
    )
    return
  }
  const { signal } = new AbortController()
  await showProgress(installChatEngine(chatEngine, signal), process.stderr)
}

/** Shows progress in one line of a terminal; elsewhere, such as in a log file, only its first and last state. */
export async function showProgress(
  events: AsyncIterable<{ status?: unknown }>,
  output: { isTTY?: boolean; write(text: string): unknown },
): Promise<void> {
  let last = ''
  for await (const { status } of events) {
    if (status === 'success') continue
    if (output.isTTY) output.write(`\r${String(status)}`)
    else if (last === '') output.write(`${String(status)}\n`)
    last = String(status)
  }
  if (last !== '') output.write(output.isTTY ? '\n' : `${last}\n`)
}
