import { describe, expect, it } from 'vitest'
import { parseRobots } from './robots.ts'

const url = (path: string) => new URL(path, 'https://site.example')
const isAllowed = (text: string, path: string) => parseRobots(text, 'Gabee').isAllowed(url(path))

describe('robots.txt', () => {
  it('applies the rules for all agents', () => {
    const text = 'User-agent: *\nDisallow: /private\nDisallow:\nAllow: /private/open'
    expect(isAllowed(text, '/')).toBe(true)
    expect(isAllowed(text, '/private')).toBe(false)
    expect(isAllowed(text, '/private-too')).toBe(false)
    expect(isAllowed(text, '/private/open/page')).toBe(true)
  })

  it('prefers rules that name the agent', () => {
    const text = 'User-agent: *\nDisallow: /\n\nUser-agent: Other\nUser-agent: gabee\nDisallow: /mail\n'
    expect(isAllowed(text, '/')).toBe(true)
    expect(isAllowed(text, '/mail')).toBe(false)
    expect(isAllowed('User-agent: Other\nDisallow: /', '/')).toBe(true)
  })

  it('applies the longest pattern, and the allowing one of two equals', () => {
    const text = 'User-agent: *\nAllow: /a\nDisallow: /a/b\nAllow: /a/b/c\nDisallow: /same\nAllow: /same'
    expect(['/a', '/a/b', '/a/b/c', '/same'].map((path) => isAllowed(text, path))).toEqual([
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
  ])('matches the pattern %s against %s', (pattern, path, closes) => {
    expect(isAllowed(`User-agent: *\nDisallow: ${pattern}`, path)).toBe(!closes)
  })

  it('matches hostile patterns in linear time', () => {
    expect(isAllowed(`User-agent: *\nDisallow: /${'*a'.repeat(5_000)}b$`, `/${'a'.repeat(20_000)}`)).toBe(
      true,
    )
  })

  it('tolerates comments, any line break, a byte order mark and invalid lines', () => {
    const text =
      '\ufeff# Hello\r\nUSER-AGENT:* # all\r\nDisallow: /x # not this\rnonsense\nCrawl-delay: 2\nSitemap: https://site.example/map.xml\n'
    const robots = parseRobots(text, 'Gabee')
    expect(robots.isAllowed(url('/x'))).toBe(false)
    expect(robots).toMatchObject({ delayMs: 2_000, sitemaps: ['https://site.example/map.xml'] })
  })

  it('parses a line of blanks without backtracking', () => {
    const blanks = ' '.repeat(500_000)
    expect(isAllowed(`User-agent:${blanks}x\nDisallow${blanks}:${blanks}/`, '/')).toBe(true)
  })

  it('limits the crawl delay', () => {
    const delay = (value: string) => parseRobots(`User-agent: *\nCrawl-delay: ${value}`, 'Gabee').delayMs
    expect(['0.5', '3600', '-1', 'soon'].map(delay)).toEqual([500, 10_000, 0, 0])
  })
})
