export { type Jobs, type JobsDependencies, jobs } from './jobs.ts'
export type { JobContext, JobKind, NewJob } from './kind.ts'
