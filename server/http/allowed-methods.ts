import type { FastifyInstance } from 'fastify'

/** Returns a function that lists the methods of a path, from the routes that are added after this call. */
export function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    // OPTIONS is answered for every path.
    if (method !== 'OPTIONS') routes.push({ pattern: patternOf(url), methods: [method].flat() })
  })
  return (path) => {
    const methods = routes.flatMap((route) => (route.pattern.test(path) ? route.methods : []))
    return [...new Set(methods)].sort()
  }
}

/** The paths of a route: `/avees/:id` → /^\/avees\/[^/]+\/?$/. */
const patternOf = (url: string) =>
  new RegExp(
    `^${url.replace(/\/$/, '').replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+').replace('*', '.*')}/?$`,
  )
