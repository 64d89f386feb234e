import * as z from 'zod/mini'

/** Privacy layers in ascending order: each layer includes everything in the layers before it. */
export const layers = ['public', 'friends', 'intimate'] as const
export const layer = z.enum(layers)
export type Layer = z.infer<typeof layer>

/** Returns whether content at `layer` is visible to somebody whose access reaches `maxLayer`. */
export const isWithin = (layer: Layer, maxLayer: Layer): boolean =>
  layers.indexOf(layer) <= layers.indexOf(maxLayer)

/** Returns the layers visible to somebody whose access reaches `maxLayer`, in ascending order. */
export const layersWithin = (maxLayer: Layer): Layer[] => layers.slice(0, layers.indexOf(maxLayer) + 1)

/** Returns the more public of two layers. */
export const minLayer = (a: Layer, b: Layer): Layer => (isWithin(a, b) ? a : b)

/** Orders layers from public to intimate, for `Array.prototype.sort`. */
export const compareLayers = (a: Layer, b: Layer): number => layers.indexOf(a) - layers.indexOf(b)
