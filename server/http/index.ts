/**
 * The HTTP side of the house. How a room mounts its routes:
 *
 *   // server/<room>/routes.ts
 *   export const thingRoutes = ({ things }: { things: Things }): FastifyPluginAsyncZod => async (app) => {
 *     app.post('/things', {
 *       schema: { tags: ['things'], summary: 'Make a thing', body: newThingBody, response: { 201: thing } },
 *       config: { access: 'user' },                  // 'public' | 'user' (when left out) | 'admin'
 *     }, async (request, reply) => reply.code(201).send(await things.make(callerOf(request), request.body)))
 *   }
 *   // server/app.ts
 *   const http = await createHttp({ config, log, identity: accounts, readiness })
 *   await http.register(thingRoutes({ things }))
 *
 * - Who asks is known before the handler runs: `callerOf(request)`; on a public route `request.caller` may be undefined.
 * - Throw an AppError for every failure. Fields that do not fit their schema become 422, an ill-formed path parameter
 *   404; error answers are in the API's description without being declared. A route with an error answer of its own
 *   shape declares it under its status (`400: …`): answers lose keys that their schema lacks.
 * - A stream takes over the socket with `reply.hijack()`; X-Request-Id, CORS and security headers are on `reply.raw`
 *   already, and `writeHead` adds to them. `sendRun` of sse.ts does that for a run. A GET that streams sets
 *   `exposeHeadRoute: false`.
 * - Bodies are JSON up to 4 MB; a route that takes more sets `bodyLimit`, one that takes files registers multipart.
 */
export { createHttp, type Http, type HttpDependencies as HttpParts } from './server.ts'
