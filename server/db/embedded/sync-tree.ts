import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Syncs a directory and its contents to disk. */
export function syncTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) syncTree(join(dir, entry.name))
    else sync(join(dir, entry.name), 'r+')
  syncDirectory(dir)
}

/** Syncs the entries of a directory to disk; Windows has no such call and needs none. */
export function syncDirectory(dir: string): void {
  if (process.platform !== 'win32') sync(dir, 'r')
}

function sync(path: string, flags: string): void {
  const descriptor = openSync(path, flags)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
