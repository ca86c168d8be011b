import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importRules } from './tidy/import-rules.js'
import { listRules } from './tidy/list-rules.js'
import { shapeRules } from './tidy/shape-rules.js'
import { readTree } from './tidy/source-tree.js'

const tree = readTree(fileURLToPath(new URL('..', import.meta.url)))

describe('the house rules', () => {
  it.each([...importRules, ...shapeRules, ...listRules])('$claim', ({ breaches }) => {
    expect(breaches(tree).map(({ path, line, what }) => `${path}:${line} ${what}`)).toEqual([])
  })
})
