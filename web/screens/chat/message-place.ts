/** The position of a message in its branch, from 0, and the number of messages. */
export type MessagePlace = { position: number; count: number }

/** The attributes of a message, of which screen readers see only those around the visible ones. */
export const articleAttributes = ({ position, count }: MessagePlace) => ({
  'aria-posinset': position + 1,
  'aria-setsize': count,
  tabIndex: -1,
})
