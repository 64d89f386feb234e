import { AppError, defineError } from '../errors.ts'

export const backupRunning = defineError(
  409,
  'backup_running',
  () => 'Another backup is running. Try again when it is complete.',
)

export const archiveUnreadable = (path: string, cause: unknown): AppError =>
  new AppError(
    422,
    'backup_unreadable',
    `${path} is not a complete backup of Gabee (${cause instanceof Error ? cause.message : String(cause)}).`,
    { cause },
  )

export const archiveDamaged = defineError(
  422,
  'backup_damaged',
  (entry: string) => `The backup is damaged: ${entry} is missing or has changed. Use another one.`,
)

export const dataDirNotEmpty = defineError(
  409,
  'data_dir_not_empty',
  (dir: string) => `The data directory ${dir} is not empty. Set DATA_DIR to a new directory.`,
)
