import fastifyHelmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The worker that renders PDFs has a separate policy, because it is the only script that compiles WebAssembly. */
export const workerSecurityPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

/** For the frame that draws diagrams, also on other websites: no origin and no network. */
export const diagramSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox allow-scripts"

/** For responses that no route sends, such as those to malformed URLs. */
export const bareSecurityHeaders = {
  'content-security-policy': "default-src 'none'",
  'x-content-type-options': 'nosniff',
}

/** Adds security headers to every response, and `Cache-Control: no-store` to those of the API without their own. */
export async function addSecurityHeaders(app: FastifyInstance, publicUrl: string | null): Promise<void> {
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        // No image from elsewhere: text of a model or a document must not make the page contact another server.
        'img-src': ["'self'", 'data:', 'blob:'],
        // Dialogs and menus set inline styles.
        'style-src': ["'self'", "'unsafe-inline'"],
        'font-src': ["'self'", 'data:'],
        'worker-src': ["'self'", 'blob:'],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: publicUrl?.startsWith('https:') ?? false,
  })
  // What the API answers is personal; no cache may keep it, unless the route says how long.
  app.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.config.operation && !reply.hasHeader('cache-control'))
      reply.header('cache-control', 'no-store')
  })
  app.addHook('onRequest', async (_request, reply) => {
    // Helmet has no option for it.
    reply.header('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()')
  })
}

/** Lets pages of these origins show the response in a frame; without origins, none may. */
export function allowFraming(reply: FastifyReply, origins: readonly string[]): void {
  if (origins.length === 0) return
  const policy = String(reply.getHeader('content-security-policy'))
  reply.header(
    'content-security-policy',
    policy.replace("frame-ancestors 'none'", `frame-ancestors ${origins.join(' ')}`),
  )
  // X-Frame-Options cannot list origins. The raw response already has the header.
  reply.removeHeader('x-frame-options')
  reply.raw.removeHeader('x-frame-options')
}
