import { type App, createApp } from '../server/app.ts'
import { readConfig } from '../server/config.ts'
import { createTestClient, type TestClient } from './client.ts'
import { ANY_DATABASE, createTestDatabase, type TestDatabase } from './databases.ts'
import { isolated } from './server-process.ts'

/** The app in this process, on its own database. */
export type TestApp = TestClient & {
  readonly app: App
  readonly database: TestDatabase
  [Symbol.asyncDispose](): Promise<void>
}

/** Creates the app as `main.ts` does and starts listening. `settings` are environment variables. */
export async function startApp(
  settings: Record<string, string> = {},
  kind: TestDatabase['kind'] = ANY_DATABASE,
): Promise<TestApp> {
  const database = await createTestDatabase(kind)
  const quiet = { ...isolated, LOG_LEVEL: 'silent', PORT: '0' }
  const app = await createApp(readConfig({ ...quiet, ...database.settings, ...settings }))
  return {
    ...createTestClient(await app.listen()),
    app,
    database,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
