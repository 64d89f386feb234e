import { expect, test } from 'vitest'
import { typeOf } from '../parsers/types.ts'
import { nameOfPage } from './name-of-page.ts'

test.each([
  ['https://a.example/', 'text/html', 'a.example.html'],
  ['https://a.example/posts/otters', 'text/html', 'otters.html'],
  ['https://a.example/otters.html?x=1', 'text/html', 'otters.html'],
  ['https://a.example/paper.pdf', 'application/pdf', 'paper.pdf'],
  ['https://a.example/paper.pdf', 'text/html', 'paper.pdf.html'],
  ['https://a.example/paper.pdf', 'application/octet-stream', 'paper.pdf'],
  ['https://a.example/download', '', 'download'],
  ['https://a.example/notes.md', 'text/plain', 'notes.md'],
  ['https://a.example/notes', 'text/troff', 'notes.txt'],
  ['https://a.example/gr%C3%BC%C3%9Fe', 'text/plain', 'grüße.txt'],
  ['https://a.example/%ff', 'text/html', '%ff.html'],
])('%s as %s is read as %s', (url, type, name) => expect(nameOfPage(url, type, typeOf)).toBe(name))
