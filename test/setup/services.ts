import { startServices } from '../../scripts/services/start.ts'

/** Once per run of the tests: the real parts they need, their addresses in the environment of every test. */
export default async function setup() {
  const { env, stop } = await startServices()
  Object.assign(process.env, env)
  return stop
}
