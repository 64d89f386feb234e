export { type JobsDependencies, jobs } from './jobs.ts'
export type { JobContext, JobKind, JobStats, Jobs, NewJob } from './kind.ts'
