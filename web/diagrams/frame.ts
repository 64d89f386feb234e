// Runs in /diagram.html, a sandboxed frame without an origin, so that code that draws untrusted sources reaches neither
// the page nor the server. Some browsers run such frames in a separate process.
import mermaid from 'mermaid'
import type { DiagramRequest, DiagramResult } from '../ui/markdown/draw-diagram.ts'

// Mermaid waits for animation frames, which browsers suspend in invisible documents.
window.requestAnimationFrame = (callback) => window.setTimeout(() => callback(performance.now()))

addEventListener('message', ({ source, data }: MessageEvent<DiagramRequest>) => {
  if (source === parent) void draw(data).then(send)
})
send('ready')

function send(message: DiagramResult | 'ready'): void {
  parent.postMessage(message, '*')
}

async function draw({ source, isDark }: DiagramRequest): Promise<DiagramResult> {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    layout: 'dagre',
    suppressErrorRendering: true,
    maxTextSize: source.length,
    maxEdges: 300,
    // The fonts of the page are not available in an image.
    fontFamily: 'ui-sans-serif, system-ui, sans-serif',
    // Not every browser draws HTML in an image.
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    theme: isDark ? 'dark' : 'neutral',
    logLevel: 'fatal',
  })
  try {
    const { svg } = await mermaid.render('diagram', source)
    const holder = document.createElement('template')
    holder.innerHTML = svg
    const image = holder.content.querySelector('svg')
    const { width, height } = image?.viewBox.baseVal ?? {}
    if (!image || !width || !height) return 'invalid'
    // The image gets its size from these attributes.
    image.setAttribute('width', `${width}`)
    image.setAttribute('height', `${height}`)
    image.style.maxWidth = ''
    const title = image.querySelector(':scope > title')?.textContent ?? ''
    return { svg: new XMLSerializer().serializeToString(image), width, height, title }
  } catch {
    return 'invalid'
  }
}
