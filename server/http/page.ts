import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { pathOf, sendNotFound } from './error-response.ts'
import { diagramSecurityPolicy, workerSecurityPolicy } from './security-headers.ts'

/** The build of the web page. */
export const builtPage = resolve(import.meta.dirname, '../../web/dist')

/** Paths that are never a page; the response to unknown ones is JSON. */
const apiPaths = /^\/(?:api|v1|ollama|mcp|auth|docs|metrics|health|openapi\.json)(?:\/|$)/

const notBuilt =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Gabee</title>' +
  '<p>The page is not built yet. Start the server with <code>npm start</code>, which builds it, or run <code>npm run dev</code>.</p>'

/**
 * Serves the web page: its files by name, and index.html for every other path that a browser navigates to. Routes of the
 * API take precedence: `/chat/ask` is the API, `/chat/ann` the page.
 */
export async function servePage(
  app: FastifyInstance,
  directory: string,
  allowedMethods: (path: string) => string[],
): Promise<void> {
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
    if ((request.method !== 'GET' && request.method !== 'HEAD') || apiPaths.test(path)) {
      return sendNotFound(request, reply, allowedMethods)
    }
    if (path === '/diagram.html' && isFile(path)) {
      // The diagram page is shown in frames only, where these headers would block it or have no effect.
      for (const header of ['x-frame-options', 'origin-agent-cluster']) {
        reply.removeHeader(header)
        reply.raw.removeHeader(header)
      }
      return reply
        .headers({ 'content-security-policy': diagramSecurityPolicy, 'cache-control': 'no-cache' })
        .sendFile(path, { cacheControl: false })
    }
    if (path !== '/index.html' && isFile(path)) {
      if (/^\/assets\/[\w-]+\.js$/.test(path) && path.includes('worker'))
        reply.header('content-security-policy', workerSecurityPolicy)
      // Names under assets/ contain a hash of the content. The frame of diagrams, which has no origin, loads some.
      return path.startsWith('/assets/')
        ? reply.header('access-control-allow-origin', '*').sendFile(path, { maxAge: '365d', immutable: true })
        : reply.sendFile(path, { maxAge: '1h' })
    }
    if (path !== '/' && !request.headers.accept?.includes('text/html'))
      return sendNotFound(request, reply, allowedMethods)
    reply.header('cache-control', 'no-cache')
    // Everybody who has the link may read a shared conversation, but search engines must not list it.
    if (path.startsWith('/s/')) reply.header('x-robots-tag', 'noindex')
    if (!existsSync(join(directory, 'index.html'))) {
      return reply.code(503).type('text/html; charset=utf-8').send(notBuilt)
    }
    return reply.sendFile('index.html', { cacheControl: false })
  })
}
