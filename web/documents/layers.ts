import type { Layer } from '../../contract/layers.ts'

/** How the layers are called, and who that is; in their order, each containing the ones before. */
export const layerLabels: Record<Layer, { title: string; text: string }> = {
  public: { title: 'Public', text: 'Everyone who may talk to the avee' },
  friends: { title: 'Friends', text: 'People you have let in as friends' },
  intimate: { title: 'Intimate', text: 'You, and those you trust most' },
}

export const layerOptions = (Object.keys(layerLabels) as Layer[]).map((value) => ({
  value,
  ...layerLabels[value],
}))
