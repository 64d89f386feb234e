// Tries actions of a parser under the control of a hostile file, with the permissions of a parser process, and prints
// the error codes.
import { execFileSync, fork } from 'node:child_process'
import dgram from 'node:dgram'
import { promises as dns, lookup } from 'node:dns'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { dropPermissions } from '../../server/knowledge/parsers/sandbox.ts'

const [folder = '', secret = ''] = process.argv.slice(2)
const port = 8080
dropPermissions()

const attempts: Record<string, () => unknown> = {
  'read the input': () => readFileSync(join(folder, 'input'), 'utf8'),
  'read another file': () => readFileSync(secret),
  'list the folder of another file': () => readdirSync(join(secret, '..')),
  'write a file': () => writeFileSync(join(folder, 'output'), ''),
  'write into the code': () => writeFileSync(new URL('../../server/new.ts', import.meta.url), ''),
  'create a link': () => symlinkSync(secret, join(folder, 'link')),
  'start a program': () => execFileSync('true'),
  'start Node.js': () => fork(import.meta.filename),
  'start a thread': () => new Worker('', { eval: true }),
  'kill the server': () => process.kill(process.ppid, 0),
  connect: () => connect(port, '127.0.0.1'),
  fetch: () => fetch(`http://127.0.0.1:${port}`),
  listen: () => createServer().listen(0),
  'send a datagram': () => dgram.createSocket('udp4').send('a', port, '127.0.0.1'),
  'look up a name': () => lookup('localhost', () => {}),
  'resolve a name': () => dns.resolve4('example.org'),
  'use internals': () => (process as unknown as { binding: (name: string) => unknown }).binding('tcp_wrap'),
}

const results: Record<string, unknown> = {}
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    const result = await attempt()
    results[name] = typeof result === 'string' ? result : 'allowed'
  } catch (thrown) {
    const { code, cause } = thrown as { code?: string; cause?: { code?: string } }
    results[name] = code ?? cause?.code ?? String(thrown)
  }
}
process.stdout.write(JSON.stringify(results), () => process.exit())
