import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'

const apiPaths =
  '^/(health|auth|me|api-keys|avees|conversations|chat|documents|memories|search|runs|v1|ollama|mcp|metrics|openapi\\.json|docs|embed|embed\\.js|api/(chat|documents|models|status|health))(/|\\?|$)'

/**
 * Writes compressed copies of every text file, which the server sends to clients that accept them. Browsers accept
 * Brotli from `localhost` and over HTTPS.
 */
const precompress = (): Plugin => {
  let directory = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      directory = join(config.root, config.build.outDir, config.build.assetsDir)
    },
    closeBundle: {
      sequential: true,
      handler() {
        for (const name of readdirSync(directory)) {
          if (!/\.(?:js|css|svg|wasm)$/.test(name)) continue
          const content = readFileSync(join(directory, name))
          writeFileSync(join(directory, `${name}.gz`), gzipSync(content))
          // Compressing PDFium (4.6 MB) would take 15 seconds.
          if (!name.endsWith('.wasm'))
            writeFileSync(join(directory, `${name}.br`), brotliCompressSync(content))
        }
      },
    },
  }
}

/** Builds the frame that draws diagrams separately, so that no chunk of the page contains parts of it. */
const withDiagrams = (): Plugin => ({
  name: 'with-diagrams',
  apply: 'build',
  closeBundle: {
    sequential: true,
    async handler() {
      await build({
        configFile: false,
        root: import.meta.dirname,
        logLevel: 'error',
        // Prevents a second copy of KaTeX.
        build: {
          outDir: 'dist',
          emptyOutDir: false,
          copyPublicDir: false,
          target: 'baseline-widely-available',
          rolldownOptions: { input: join(import.meta.dirname, 'diagram.html') },
        },
      })
    },
  },
})

/** Scripts with fixed addresses: for other websites, and the service worker. */
const classicScripts = { 'embed.js': 'embed/launcher.ts', 'service-worker.js': 'offline/service-worker.ts' }

/** Builds classic scripts, wrapped in a function so that they add no global names. */
const withClassicScripts = (): Plugin => ({
  name: 'with-classic-scripts',
  apply: 'build',
  buildStart() {
    for (const [fileName, source] of Object.entries(classicScripts))
      this.emitFile({ type: 'chunk', id: join(import.meta.dirname, source), fileName })
  },
  generateBundle(_options, bundle) {
    for (const fileName of Object.keys(classicScripts)) {
      const chunk = bundle[fileName]
      if (chunk?.type === 'chunk') chunk.code = `(()=>{${chunk.code.trim()}})()\n`
    }
  },
})

/** Adds the license of the typeface, which must accompany its files. */
const withFontLicence = (): Plugin => ({
  name: 'with-font-licence',
  apply: 'build',
  generateBundle() {
    const source = readFileSync(createRequire(import.meta.url).resolve('@fontsource-variable/inter/LICENSE'))
    this.emitFile({ type: 'asset', fileName: 'assets/inter-licence.txt', source })
  },
})

/** Removes the texts of the API description, which only the server needs. */
const withoutDescriptions = (): Plugin => ({
  name: 'without-descriptions',
  apply: 'build',
  enforce: 'pre',
  transform: {
    filter: { id: /\/contract\/[\w-]+\.ts$/ },
    handler: (code) => code.replaceAll(/^ +(?:summary|description):\s+(?:'.*'|`[^`]*`),\n/gm, ''),
  },
})

export default defineConfig({
  resolve: { dedupe: ['katex'] },
  plugins: [
    react(),
    withoutDescriptions(),
    withClassicScripts(),
    withFontLicence(),
    withDiagrams(),
    precompress(),
  ],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'baseline-widely-available',
    rolldownOptions: {
      input: ['index.html', 'embed.html'].map((name) => join(import.meta.dirname, name)),
      output: {
        // React changes rarely, so it remains in the browser's cache when the page changes.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\//, priority: 1 },
            // Otherwise a hundred small modules would be separate requests.
            { name: 'shared', minShareCount: 8 },
          ],
        },
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
        // Sources of the page and its routes /chat/{handle} and /search do not belong to the API.
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
