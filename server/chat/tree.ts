/**
 * A conversation is a tree of messages: the parent of a message is the one it answers or follows. Editing a question or
 * regenerating an answer adds a sibling. The leaf of the conversation determines the selected branch.
 */
export type Node = { id: string; parentId: string | null }

/** Returns the end of the newest branch that contains `id`. `nodes` must be sorted by creation. */
export function findNewestLeaf(nodes: Node[], id: string): string {
  const newestChild = new Map<string, string>()
  for (const node of nodes) if (node.parentId) newestChild.set(node.parentId, node.id)
  let leaf = id
  for (let next = newestChild.get(leaf); next !== undefined; next = newestChild.get(leaf)) leaf = next
  return leaf
}
