/**
 * A conversation is a tree of messages: every message hangs under the one it answers or follows. Editing a question
 * or asking for another answer adds a sibling; the conversation's leaf says which branch is shown.
 */
export type Node = { id: string; parentId: string | null }

/** The last message of the branch that goes through `id`: always on to the newest child. `nodes` are in order of their making. */
export function findNewestLeaf(nodes: Node[], id: string): string {
  const newestChild = new Map<string, string>()
  for (const node of nodes) if (node.parentId) newestChild.set(node.parentId, node.id)
  let leaf = id
  for (let next = newestChild.get(leaf); next !== undefined; next = newestChild.get(leaf)) leaf = next
  return leaf
}
