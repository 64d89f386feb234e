import dgram from 'node:dgram'
import dns from 'node:dns'
import { existsSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)
/** Returns the folders in which Node looks for packages; npm may install them beside this one or below it. */
const packageFolders = (): string[] =>
  (createRequire(import.meta.url).resolve.paths('any') ?? []).filter((path) => existsSync(path))

/**
 * Flags of Node's permission model for a parser process: it may read its code and `folder`, and neither write files nor
 * start processes. Worker threads are allowed until the memory watchdog runs.
 */
export const permissionFlags = (folder: string): string[] => [
  '--permission',
  ...['server', 'package.json'].map((name) => `--allow-fs-read=${fileURLToPath(new URL(name, root))}`),
  ...packageFolders().map((path) => `--allow-fs-read=${path}`),
  `--allow-fs-read=${folder}`,
  '--allow-worker',
  '--disable-warning=PERM0006',
]

/**
 * Drops the permission for worker threads, which the permission model does not restrict, and blocks what the model of
 * Node 24 does not cover: connections, name resolution and signals.
 */
export function dropPermissions(): void {
  const permission = process.permission as typeof process.permission & { drop?: (scope: string) => void }
  permission.drop?.('worker')
  const deny = () => {
    throw Object.assign(new Error('A parser has no access to the network or other processes.'), {
      code: 'ERR_ACCESS_DENIED',
    })
  }
  const denyAll = (target: object) => {
    for (const [name, { value, configurable }] of Object.entries(Object.getOwnPropertyDescriptors(target)))
      if (configurable && typeof value === 'function' && name !== 'constructor')
        Object.defineProperty(target, name, { value: deny })
  }
  for (const target of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype])
    denyAll(target)
  denyAll(dgram.Socket.prototype)
  Object.assign(net.Socket.prototype, { connect: deny })
  Object.assign(net.Server.prototype, { listen: deny })
  Object.assign(process, { kill: deny, _kill: deny })
  syncBuiltinESMExports()
}
