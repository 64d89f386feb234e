// Compiled to /embed.js: `<script async src="https://gabee.example/embed.js" data-avee="ada"></script>` adds a button to
// any website, which opens a chat with the avee in a frame.

const css = `
:host {
  all: initial !important;
  position: fixed !important;
  inset: auto 20px 20px auto !important;
  z-index: 2147483000 !important;
  color-scheme: light dark !important;
}
@media print {
  :host { display: none !important; }
}
button {
  all: unset;
  box-sizing: border-box;
  display: grid;
  place-items: center;
  width: 56px;
  height: 56px;
  border-radius: 50%;
  color: light-dark(#fff, #10201d);
  background: light-dark(#0c6b62, #6cc4b6);
  box-shadow: 0 2px 6px #0003, 0 8px 24px #0003;
  cursor: pointer;
}
button:focus-visible {
  outline: 3px solid light-dark(#0c6b62, #6cc4b6);
  outline-offset: 3px;
}
svg {
  width: 26px;
  height: 26px;
  fill: none;
  stroke: currentColor;
  stroke-width: 2;
  stroke-linecap: round;
  stroke-linejoin: round;
}
dialog {
  position: fixed;
  inset: auto 20px 92px auto;
  box-sizing: border-box;
  width: min(400px, 100vw - 40px);
  height: min(640px, 100dvh - 112px);
  max-width: none;
  max-height: none;
  margin: 0;
  padding: 0;
  overflow: hidden;
  overscroll-behavior: contain;
  border: 1px solid light-dark(#e7e3db, #33302c);
  border-radius: 18px;
  background: light-dark(#fcfbf9, #181715);
  box-shadow: 0 4px 12px #0002, 0 16px 48px #0003;
}
iframe {
  display: block;
  width: 100%;
  height: 100%;
  border: 0;
}
dialog button {
  position: absolute;
  inset: 8px 8px auto auto;
  width: 40px;
  height: 40px;
  color: light-dark(#5c5750, #b3aca1);
  background: none;
  box-shadow: none;
}
[hidden] {
  display: none;
}
@media (max-width: 480px), (max-height: 480px) {
  dialog {
    inset: 0;
    width: 100%;
    height: 100dvh;
    border: 0;
    border-radius: 0;
  }
}`

const icons = {
  chat: 'M21 11.5a8.5 8.5 0 0 1-12.4 7.5L3 21l2-5.6A8.5 8.5 0 1 1 21 11.5z',
  close: 'M18 6 6 18M6 6l12 12',
}

const script = document.currentScript
if (script instanceof HTMLScriptElement) {
  if (document.body) start(script)
  else addEventListener('DOMContentLoaded', () => start(script))
}

function start({ src, dataset }: HTMLScriptElement): void {
  const { avee, label = 'Chat' } = dataset
  if (!avee) throw new Error('Gabee: name the avee in the attribute data-avee of the script.')
  const { origin } = new URL(src)
  const isNarrow = matchMedia('(max-width: 480px), (max-height: 480px)')
  const host = document.createElement('gabee-embed')
  const root = host.attachShadow({ mode: 'open' })
  // Every content security policy allows this, unlike a style element.
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  root.adoptedStyleSheets = [sheet]

  const launcher = button(label, icons.chat)
  const close = button('Close', icons.close)
  const panel = document.createElement('dialog')
  panel.setAttribute('aria-label', label)
  let frame: HTMLIFrameElement | undefined

  const setExpanded = (): void => launcher.setAttribute('aria-expanded', `${panel.open}`)
  function open(): void {
    if (!frame) {
      frame = document.createElement('iframe')
      frame.title = label
      frame.allow = 'clipboard-write'
      frame.sandbox.add('allow-scripts', 'allow-same-origin', 'allow-forms', 'allow-popups')
      frame.sandbox.add('allow-popups-to-escape-sandbox')
      frame.src = `${origin}/embed/${encodeURIComponent(avee ?? '')}`
      panel.prepend(frame)
    }
    if (isNarrow.matches) panel.showModal()
    else panel.show()
    setExpanded()
    frame.focus()
  }
  launcher.addEventListener('click', () => (panel.open ? panel.close() : open()))
  close.addEventListener('click', () => panel.close())
  panel.addEventListener('close', () => {
    setExpanded()
    launcher.focus()
  })
  root.addEventListener('keydown', (event) => {
    if ((event as KeyboardEvent).key === 'Escape' && panel.open) panel.close()
  })
  addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
    if (!frame || source !== frame.contentWindow) return
    // The page in the frame has its own close button and handles the keys pressed in it.
    if (data === 'gabee:ready') close.hidden = true
    if (data === 'gabee:close') panel.close()
  })
  setExpanded()
  panel.append(close)
  root.append(launcher, panel)
  document.body.append(host)
}

function button(label: string, path: string): HTMLButtonElement {
  const svg = 'http://www.w3.org/2000/svg'
  const icon = document.createElementNS(svg, 'svg')
  icon.setAttribute('viewBox', '0 0 24 24')
  icon.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS(svg, 'path')
  line.setAttribute('d', path)
  icon.append(line)
  const made = document.createElement('button')
  made.type = 'button'
  made.ariaLabel = label
  made.append(icon)
  return made
}
