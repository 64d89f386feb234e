/** The visible square of an image: enlarged `zoom` times, at `x` and `y` from 0 (left, top) to 1 (right, bottom). */
export type Framing = { zoom: number; x: number; y: number }

type Size = { width: number; height: number }

/** Returns the square in pixels of the image. */
export function cropOf({ width, height }: Size, { zoom, x, y }: Framing) {
  const size = Math.min(width, height) / zoom
  return { left: x * (width - size), top: y * (height - size), size }
}

/** Moves the image below the frame by shares of the frame's width. */
export function moveFraming(image: Size, framing: Framing, dx: number, dy: number): Framing {
  const { size } = cropOf(image, framing)
  const move = (position: number, share: number, slack: number): number =>
    slack > 0 ? Math.min(1, Math.max(0, position - (share * size) / slack)) : position
  return {
    ...framing,
    x: move(framing.x, dx, image.width - size),
    y: move(framing.y, dy, image.height - size),
  }
}
