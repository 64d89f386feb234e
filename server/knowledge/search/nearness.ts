/** Of the nearest passages those after so many are the crowd: near, as everything is, but not on the matter. */
const crowdAfter = 20
const smallestCrowd = 10

/**
 * What every embedding model calls near is different, so a cosine is held against those of the crowd: 0 for one of
 * many, 1 for the same text where others have nothing to do with it. Few passages make no crowd; the last of them
 * then stands for it.
 */
export function standingOut(cosines: number[]): { hasCrowd: boolean; of: (cosine: number) => number } {
  const crowd = cosines.slice(crowdAfter)
  const hasCrowd = crowd.length >= smallestCrowd
  const usual = hasCrowd
    ? crowd.reduce((sum, cosine) => sum + cosine, 0) / crowd.length
    : Math.min(1, ...cosines)
  return { hasCrowd, of: (cosine) => Math.max(0, (cosine - usual) / Math.max(1e-6, 1 - usual)) }
}
