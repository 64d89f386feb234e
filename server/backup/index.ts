export { openArchive } from './archive.ts'
export { type Backup, backup } from './backup.ts'
export { moveDatabase, restoreBackup } from './restore.ts'
export { backupRoutes } from './routes.ts'
