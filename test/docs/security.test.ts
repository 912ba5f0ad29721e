import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/security.md', root), 'utf8')
const claims = [...page.matchAll(/\*\[([^\]]+)\]\(\.\.\/([^)]+)\)\*/g)].map(([, title = '', path = '']) => [
  title,
  path,
])

describe('docs/security.md', () => {
  it('names tests', () => {
    expect(claims.length).toBeGreaterThan(9)
  })

  it.each(claims)('names a test that exists: %s', (title = '', path = '') => {
    expect(readFileSync(new URL(path, root), 'utf8')).toContain(`'${title}`)
  })
})
