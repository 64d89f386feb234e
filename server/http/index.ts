/**
 * The HTTP side of the server. A module's `routes.ts` adds its operations with `route` and is registered in `app.ts`;
 * `callerOf(request)` returns the authenticated caller, and `sendRun` of sse.ts answers with the events of a run.
 *
 * - Handlers throw an AppError for every failure. Fields that do not match their schema are 422, an invalid path
 * parameter is 404. The API description includes the error responses of every operation automatically.
 * - Bodies are JSON up to 4 MB; an operation sets `maxBodyBytes` for another limit, a module with uploads calls
 *   `acceptUploads`.
 */
export type { ErrorFormat } from './error-response.ts'
export { createHttp, type Http, type HttpDependencies } from './server.ts'
