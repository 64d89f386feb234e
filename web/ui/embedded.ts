/**
 * Whether the page is in a frame on another website. It has no cookies there, so that links to files of the server do
 * not work.
 */
export const isEmbedded = (): boolean => location.pathname.startsWith('/embed/')

/** Tells the script of the website, which shows the frame. The messages have no contents to protect. */
export const tellWebsite = (message: 'gabee:ready' | 'gabee:close'): void =>
  window.parent.postMessage(message, '*')
