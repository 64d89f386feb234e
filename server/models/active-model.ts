import type { Database } from '../db/index.ts'
import { clearActiveModel, findActiveModel, saveActiveModel } from './store.ts'

/** The channel of notifications that the active model has changed. */
const channel = 'active_model'

/** The model that an administrator has activated, cached in memory until a server changes it. */
export function createActiveModel(database: Database) {
  const { db } = database
  let cached: Promise<string | undefined> | undefined
  const forget = () => {
    cached = undefined
  }
  let listening: Promise<() => Promise<void>> | undefined

  async function read(): Promise<string | undefined> {
    listening ??= database.listen(channel, forget, forget).catch((error: unknown) => {
      listening = undefined
      throw error
    })
    await listening
    return await findActiveModel(db)
  }

  return {
    async find(): Promise<string | undefined> {
      cached ??= read().catch((error: unknown) => {
        forget()
        throw error
      })
      return await cached
    },
    async save(model: string): Promise<void> {
      await saveActiveModel(db, model)
      forget()
      await database.notify(db, channel, '')
    },
    async clear(model: string): Promise<void> {
      await clearActiveModel(db, model)
      forget()
      await database.notify(db, channel, '')
    },
    [Symbol.asyncDispose]: async () => (await listening)?.(),
  }
}
export type ActiveModel = ReturnType<typeof createActiveModel>
