import * as z from 'zod/mini'
import { time } from './common.ts'

/** A time, or a day (UTC). */
export const moment = z.union([z.iso.date(), time])

/** Returns the end of a period: of a day, the beginning of the next one. */
export function endOf(end: z.infer<typeof moment>): Date {
  const date = new Date(end)
  if (!end.includes('T')) date.setUTCDate(date.getUTCDate() + 1)
  return date
}
