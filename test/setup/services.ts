import { startServices } from '../../scripts/services/start.ts'

/** Starts PostgreSQL and Redis once per test run and puts their addresses into the environment of every test. */
export default async function setup() {
  const { env, stop } = await startServices()
  Object.assign(process.env, env)
  return stop
}
