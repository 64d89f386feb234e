import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { badDescription } from '../errors.ts'
import type { ParsedYaml } from './yaml-worker.ts'

const maxHeapMb = 256

/** Parses a description in JSON or YAML. @throws invalid_description, also when the signal fires */
export async function parseDescription(text: string, signal: AbortSignal): Promise<unknown> {
  if (/^\s*\{/.test(text))
    try {
      return JSON.parse(text)
    } catch {
      // Not JSON; YAML may begin in the same way.
    }
  const worker = new Worker(new URL('./yaml-worker.ts', import.meta.url), {
    workerData: text,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  })
  const parsed = await once(worker, 'message', { signal }).then(
    ([message]) => message as ParsedYaml,
    () => ({ problem: 'reading it takes too much time or memory.' }),
  )
  await worker.terminate()
  if ('problem' in parsed) throw badDescription(`It is neither JSON nor YAML: ${parsed.problem}`)
  return parsed.value
}
