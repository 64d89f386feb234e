import type { Migration } from 'kysely/migration'
import * as foundations from './001-foundations.ts'

/** Every migration in the order of its number. A released one is never edited, renamed or removed. */
export const migrations: Record<string, Migration> = {
  '001-foundations': foundations,
}
