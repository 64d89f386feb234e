import { startServer } from './test/app.ts'
import { readEvents } from './test/events.ts'
import { madeUpDocument } from './bench/made-up.ts'
import { startOllama } from './test/upstream.ts'
const n = Number(process.argv[2])
await using ollama = await startOllama()
await using server = await startServer({ OLLAMA_BASE_URL: ollama.url, BACKGROUND_MODEL_CALLS: 'off', LOG_LEVEL: 'warn' })
const form = new FormData()
for (let i = 0; i < n; i++) form.append('files', new File([madeUpDocument(i, 3).paragraphs.join('\n\n')], `n${i}.md`))
const t = performance.now()
const r = await server.fetch('/api/documents/upload', { method: 'POST', body: form })
console.log('first answer', performance.now() - t, r.status)
let c = 0
for await (const { data } of readEvents(r)) { if (data['result']) { c++; if (c % 100 === 0) console.log(c, performance.now() - t) } }
console.log(c, performance.now() - t, server.output().slice(0, 500))
process.exit(0)
