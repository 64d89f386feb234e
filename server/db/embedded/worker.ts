import { parentPort, workerData } from 'node:worker_threads'
import { type FromWorker, type ToWorker, transferListOf, type WorkerStart } from './messages.ts'
import { openPglite } from './pglite.ts'
import { createSessionServer } from './session-server.ts'
import { syncTree } from './sync-tree.ts'

/** The thread of the embedded PostgreSQL, which blocks while a statement is executed. */

if (parentPort === null) throw new Error('This file runs as a worker thread.')
const port = parentPort
const start = workerData as WorkerStart
const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

/** The last lines that the engine logged. */
const logged: string[] = []

async function open(): ReturnType<typeof openPglite> {
  const onLine = (line: string): void => {
    logged.push(line)
    if (logged.length > 20) logged.shift()
  }
  try {
    return await openPglite(start.dir, start.gauges, {
      statementTimeoutMs: start.statementTimeoutMs,
      onLine,
    })
  } catch (cause) {
    throw new Error(logged.findLast((line) => /FATAL|PANIC/.test(line)) ?? String(cause), { cause })
  }
}

const { engine, fs } = await open()
if (start.create) {
  await engine.close()
  syncTree(start.dir)
  send({ type: 'closed' })
} else {
  const sessions = createSessionServer(engine, fs, start.gauges, {
    onResponse: (session, bytes) => send({ type: 'response', session, bytes }, transferListOf(bytes)),
    onBroken: (thrown) => {
      send({ type: 'broken', reason: [String(thrown), ...logged].join('\n') })
      process.exit(1)
    },
  })
  port.on('message', (message: ToWorker) => {
    if (message.type === 'request') sessions.handle(message.session, message.request)
    else void sessions.close().then(() => send({ type: 'closed' }))
  })
  send({ type: 'ready' })
}
