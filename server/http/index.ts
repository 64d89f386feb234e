/**
 * The HTTP side of the server. A module adds its routes as follows:
 *
 *   // contract/things.ts
 *   export const createThing = operation({ method: 'POST', path: '/things', …, responses: { 201: thing } })
 *   // server/things/routes.ts
 *   export const thingRoutes = ({ things }: { things: Things }): FastifyPluginAsync => async (app) => {
 *     route(app, createThing, async (request) => present(await things.create(callerOf(request), request.body)))
 *   }
 *   // server/app.ts
 *   await http.register(thingRoutes({ things }))
 *
 * - Requests are authenticated before the handler runs: `callerOf(request)`. On a public route `request.caller` may be
 *   undefined.
 * - Handlers throw an AppError for every failure. Fields that do not match their schema are 422, an invalid path
 *   parameter is 404. The API description lists the error response of every operation by itself.
 * - `sendRun` of sse.ts answers with the events of a run.
 * - Bodies are JSON up to 4 MB; an operation sets `maxBodyBytes` for another limit, a module with uploads calls
 *   `acceptUploads`.
 */
export { createHttp, type Http, type HttpDependencies } from './server.ts'
