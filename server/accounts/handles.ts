/** Paths of the server, and names that could impersonate it. */
const reserved = new Set(
  `about abuse account accounts admin administrator anonymous api api-keys ask auth avee avees chat contact conversations
  docs document documents everyone explore export gabee health help home import index intimate friends library local
  localhost login logout mcp me memories messages metrics models new nobody null official openapi owner password
  permissions privacy profile public register root runs search security settings signup static status stream support
  system terms undefined user users v1 webmaster www you`.split(/\s+/),
)

export const isReservedHandle = (handle: string): boolean => reserved.has(handle)
