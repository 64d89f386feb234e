/** Returns the indexes of the `count` highest scores above `above`, highest first. */
export function highest(scores: Float64Array, count: number, above: number): number[] {
  const chosen: number[] = []
  let lowest = above
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index] ?? 0
    if (score <= lowest) continue
    let [low, high] = [0, chosen.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((scores[chosen[middle] ?? 0] ?? 0) >= score) low = middle + 1
      else high = middle
    }
    chosen.splice(low, 0, index)
    if (chosen.length > count) chosen.pop()
    if (chosen.length === count) lowest = scores[chosen[count - 1] ?? 0] ?? lowest
  }
  return chosen
}
