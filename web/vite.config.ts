import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const apiPaths =
  '^/(health|auth|me|api-keys|avees|conversations|chat|documents|memories|search|runs|v1|mcp|metrics|openapi\\.json|docs|api/(chat|documents|models|status|health))(/|\\?|$)'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'baseline-widely-available',
    rolldownOptions: {
      output: {
        // What changes rarely stays in the browser's cache when the page changes.
        codeSplitting: { groups: [{ name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// }] },
      },
    },
  },
  server: {
    port: 3000,
    strictPort: true,
    fs: { allow: ['..'] },
    proxy: {
      [apiPaths]: {
        target: `http://127.0.0.1:${process.env['PORT'] ?? 8000}`,
        // The page's own sources, and its addresses /chat/{handle} and /search, are not the API's.
        bypass: (request) => {
          const url = request.url ?? '/'
          if (/\.(ts|tsx|css)(\?|$)/.test(url)) return url
          const isNavigation = request.headers.accept?.includes('text/html') ?? false
          return isNavigation && /^\/(chat\/|search)/.test(url) ? '/index.html' : undefined
        },
      },
    },
  },
})
