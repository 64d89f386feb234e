import type { Migration } from 'kysely/migration'
import { up as foundations } from './001-foundations.ts'

/** Every migration by its number. One that was released is never edited, renamed or removed. */
export const migrations: Record<string, Migration> = {
  '001-foundations': { up: foundations },
}
