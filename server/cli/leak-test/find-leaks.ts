import { createApp } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { startModelPlayer } from './model-player.ts'
import { probeQuestions } from './probe-questions.ts'
import { probeRoutes } from './probe-routes.ts'
import { probeSearches } from './probe-searches.ts'
import { leakRequests } from './requests.ts'
import { storeCanaries } from './store-canaries.ts'

export type LeakReport = {
  callers: number
  routes: number
  requests: number
  /** Checks for canaries in responses whose caller may not read them. */
  probes: number
  canaries: number
  /** One line for each canary that a caller found without access, and for each canary that its readers did not find. */
  leaks: string[]
}

/**
 * Stores canaries at every layer, then reads every route as every kind of caller, with a model that repeats its whole
 * prompt. `env` are settings of the server. @throws Error if its database is not empty
 */
export async function findLeaks(env: Record<string, string>): Promise<LeakReport> {
  let answer = (_prompt: string) => 'It is written there [1] [2] [3] [4] [5] [6].'
  await using player = await startModelPlayer((prompt) => answer(prompt))
  await using app = await createApp(
    readConfig({
      HOST: '127.0.0.1',
      PORT: '0',
      REGISTRATION: 'open',
      LOG_LEVEL: 'silent',
      OLLAMA_BASE_URL: player.url,
      BACKGROUND_MODEL_CALLS: 'off',
      LIMIT_ANONYMOUS_QUESTIONS_PER_HOUR: '0',
      ...env,
    }),
  )
  const { hasAccounts } = await app.accounts.state()
  if (hasAccounts || (await app.database.db.selectFrom('avees').select('id').executeTakeFirst()))
    throw new Error('The database at DATABASE_URL is in use. The leak test needs an empty database.')
  const requests = leakRequests(await app.listen())
  const { canaries, counts, leaks } = requests

  const stored = await storeCanaries(requests)
  // Personas are excluded, because a model may repeat them to any visitor.
  answer = (prompt) =>
    canaries.reduce(
      (text, { word, place }) => (place.startsWith('persona') ? text.replaceAll(word, '') : text),
      prompt,
    )
  await probeQuestions(requests, stored)
  await app.jobs.idle()
  await probeRoutes(requests, stored)
  await probeSearches(requests, stored)

  for (const { place } of requests.missed())
    if (place !== 'memory of former') leaks.add(`The ${place} was not found by those who may read it.`)
  return {
    ...counts,
    callers: Object.keys(requests.tokens).length,
    routes: requests.routes.size,
    canaries: canaries.length,
    leaks: [...leaks],
  }
}
