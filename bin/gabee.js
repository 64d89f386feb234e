#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=4 --heap-growing-percent=30
// The command of the installed package; in a checkout it is `npm start`.
import { enableCompileCache } from 'node:module'

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`Gabee needs Node 24 or newer; this is ${process.version}.\n`)
  process.exit(1)
}
enableCompileCache()
await import('../dist/server/main.js')
