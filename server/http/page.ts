import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { pathOf, sendNotFound } from './error-response.ts'
import { workerSecurityPolicy } from './security-headers.ts'

/** Where the build of the web page lies. */
export const builtPage = resolve(import.meta.dirname, '../../web/dist')

/** Paths that never are a page: an unknown one is told so in JSON. */
const notAPage = /^\/(?:api|v1|mcp|auth|docs|metrics|health|openapi\.json)(?:\/|$)/

const noPage =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Gabee</title>' +
  '<p>The page is not built yet. Start the server with <code>npm start</code>, which builds it, or run <code>npm run dev</code>.</p>'

/**
 * Serves the web page: its files by name, and its index for every other address that a browser opens.
 * Routes of the API win, so `/chat/ask` is the API and `/chat/somebody` the page.
 */
export async function servePage(app: FastifyInstance, directory: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: directory,
    serve: false,
    suppressWarning: true,
    preCompressed: true,
  })

  const isFile = (path: string) =>
    /^\/[\w./-]+\.\w+$/.test(path) && !path.includes('..') && existsSync(join(directory, path))

  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = pathOf(request.url)
    if ((request.method !== 'GET' && request.method !== 'HEAD') || notAPage.test(path)) {
      return sendNotFound(request, reply)
    }
    if (path !== '/index.html' && isFile(path)) {
      if (/^\/assets\/[\w-]*worker[\w-]*\.js$/.test(path))
        reply.header('content-security-policy', workerSecurityPolicy)
      // Names under assets/ carry a hash of their content.
      return path.startsWith('/assets/')
        ? reply.sendFile(path, { maxAge: '365d', immutable: true })
        : reply.sendFile(path, { maxAge: '1h' })
    }
    if (path !== '/' && !request.headers.accept?.includes('text/html')) return sendNotFound(request, reply)
    reply.header('cache-control', 'no-cache')
    if (!existsSync(join(directory, 'index.html'))) {
      return reply.code(503).type('text/html; charset=utf-8').send(noPage)
    }
    return reply.sendFile('index.html', { cacheControl: false })
  })
}
