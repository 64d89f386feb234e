/**
 * Whether the page is in a frame on another website. It has no cookies there, so links to files of the server do not
 * work.
 */
export const isEmbedded = (): boolean => location.pathname.startsWith('/embed/')

/** Sends a message to the script of the website that shows the frame. The messages contain nothing confidential. */
export const postToWebsite = (message: 'gabee:ready' | 'gabee:close'): void =>
  window.parent.postMessage(message, '*')
