import { parentPort, workerData } from 'node:worker_threads'
import type { PGlite } from '@electric-sql/pglite'
import { type FromWorker, moved, type ToWorker, type WorkerStart } from './messages.ts'
import { openPglite } from './pglite.ts'
import { serveSessions } from './serve.ts'
import { syncTree } from './sync-tree.ts'

/** The embedded PostgreSQL's thread: it blocks while a statement runs. */

if (parentPort === null) throw new Error('This file runs as a worker thread.')
const port = parentPort
const start = workerData as WorkerStart
const say = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

/** The engine's last words. */
const said: string[] = []

async function open(): Promise<PGlite> {
  const hear = (line: string): void => {
    said.push(line)
    if (said.length > 20) said.shift()
  }
  try {
    return await openPglite(start.dir, start.gauges, {
      statementTimeout: start.statementTimeout,
      said: hear,
    })
  } catch (cause) {
    throw new Error(said.findLast((line) => /FATAL|PANIC/.test(line)) ?? String(cause), { cause })
  }
}

const engine = await open()
if (start.create) {
  await engine.close()
  syncTree(start.dir)
  say({ type: 'closed' })
} else {
  const sessions = serveSessions(engine, start.gauges, {
    answer: (session, bytes) => say({ type: 'answer', session, bytes }, moved(bytes)),
    broken: (thrown) => {
      say({ type: 'broken', reason: [String(thrown), ...said].join('\n') })
      process.exit(1)
    },
  })
  port.on('message', (message: ToWorker) => {
    if (message.type === 'unit') sessions.take(message.session, message.unit)
    else void sessions.close().then(() => say({ type: 'closed' }))
  })
  say({ type: 'ready' })
}
