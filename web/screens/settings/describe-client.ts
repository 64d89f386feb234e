import { t } from '../../languages/index.ts'

/** The order matters, because the user agent of a browser also contains the names of compatible ones. */
const browsers = { Edg: 'Edge', OPR: 'Opera', Firefox: 'Firefox', Chrome: 'Chrome', Safari: 'Safari' }
const systems = {
  Android: 'Android',
  iPhone: 'iPhone',
  iPad: 'iPad',
  Windows: 'Windows',
  Mac: 'macOS',
  Linux: 'Linux',
}

/** Names the browser and the system of a user agent, or the program, such as `curl`. */
export function describeClient(userAgent: string | null): string {
  if (!userAgent) return t('Unknown program')
  const nameIn = (names: Record<string, string>) =>
    Object.entries(names).find(([mark]) => userAgent.includes(mark))?.[1]
  const browser = nameIn(browsers)
  if (!userAgent.startsWith('Mozilla/') || !browser) return userAgent.split('/')[0] ?? userAgent
  const system = nameIn(systems)
  return system ? t('{browser} on {system}', { browser, system }) : browser
}
