import { fileURLToPath } from 'node:url'
import { startServices } from '../../scripts/services/start.ts'

const compileCache = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url))

/**
 * Starts PostgreSQL and Redis once per test run and puts their addresses into the environment of every test. Compiled
 * modules are cached, because many tests start servers.
 */
export default async function setup() {
  const { env, stop } = await startServices()
  Object.assign(process.env, { NODE_COMPILE_CACHE: compileCache, ...env })
  return stop
}
