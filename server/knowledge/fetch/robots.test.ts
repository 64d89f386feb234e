import { describe, expect, it } from 'vitest'
import { parseRobots } from './robots.ts'

const url = (path: string) => new URL(path, 'https://site.example')
const mayRead = (text: string, path: string) => parseRobots(text, 'Gabee').mayRead(url(path))

describe('robots.txt', () => {
  it('closes what its rules for everybody close', () => {
    const text = 'User-agent: *\nDisallow: /private\nDisallow:\nAllow: /private/open'
    expect(mayRead(text, '/')).toBe(true)
    expect(mayRead(text, '/private')).toBe(false)
    expect(mayRead(text, '/private-too')).toBe(false)
    expect(mayRead(text, '/private/open/page')).toBe(true)
  })

  it('has rules for this reader come instead of those for everybody', () => {
    const text = 'User-agent: *\nDisallow: /\n\nUser-agent: Other\nUser-agent: gabee\nDisallow: /mail\n'
    expect(mayRead(text, '/')).toBe(true)
    expect(mayRead(text, '/mail')).toBe(false)
    expect(mayRead('User-agent: Other\nDisallow: /', '/')).toBe(true)
  })

  it('lets the longest pattern decide, and the allowing one of two equals', () => {
    const text = 'User-agent: *\nAllow: /a\nDisallow: /a/b\nAllow: /a/b/c\nDisallow: /same\nAllow: /same'
    expect(['/a', '/a/b', '/a/b/c', '/same'].map((path) => mayRead(text, path))).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  it.each([
    ['/*.pdf$', '/files/a.pdf', true],
    ['/*.pdf$', '/files/a.pdf?page=1', false],
    ['/files/*/draft', '/files/2024/notes/draft-1', true],
    ['/*?sort=', '/list?sort=name', true],
    ['/a*b*a$', '/aba', true],
    ['/ab*ba$', '/aba', false],
    ['/end$', '/end', true],
    ['/end$', '/ending', false],
    ['*', '/anything', true],
  ])('takes the pattern %s on %s', (pattern, path, closes) => {
    expect(mayRead(`User-agent: *\nDisallow: ${pattern}`, path)).toBe(!closes)
  })

  it('is not held up by patterns made to be slow', () => {
    expect(mayRead(`User-agent: *\nDisallow: /${'*a'.repeat(5_000)}b$`, `/${'a'.repeat(20_000)}`)).toBe(true)
  })

  it('is read with comments, other line ends, a byte order mark and nonsense in it', () => {
    const text =
      '\ufeff# Hello\r\nUSER-AGENT:* # all\r\nDisallow: /x # not this\rnonsense\nCrawl-delay: 2\nSitemap: https://site.example/map.xml\n'
    const robots = parseRobots(text, 'Gabee')
    expect(robots.mayRead(url('/x'))).toBe(false)
    expect(robots).toMatchObject({ delayMs: 2_000, sitemaps: ['https://site.example/map.xml'] })
  })

  it('waits no longer than is bearable', () => {
    const delay = (value: string) => parseRobots(`User-agent: *\nCrawl-delay: ${value}`, 'Gabee').delayMs
    expect(['0.5', '3600', '-1', 'soon'].map(delay)).toEqual([500, 10_000, 0, 0])
  })
})
