/** The position of a message in its branch, from 0, and the number of messages. */
export type MessagePlace = { position: number; count: number }

/** Returns the position attributes of a message, because only messages near the view are rendered. */
export const articleAttributes = ({ position, count }: MessagePlace) => ({
  'aria-posinset': position + 1,
  'aria-setsize': count,
  tabIndex: -1,
})
