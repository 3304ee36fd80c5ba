/** Each relative link of a document leads to an existing file and heading. Links in the package lead to files of the package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { ROOT } from '../support/documents.js'

const FOLDERS = ['.', 'docs', 'bench', 'examples']
const DOCUMENTS = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: folder === 'examples', encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join(folder, name)))

/** What npm publishes beside what it always does. */
const { files: PUBLISHED } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }

function isPublished (path: string): boolean {
  return path === 'README.md' || path === 'LICENSE' || PUBLISHED.some((file) => path === file || path.startsWith(`${file}/`))
}

/** Without code, in which brackets are no links. */
function proseOf (document: string): string {
  return readFileSync(join(ROOT, document), 'utf8').replaceAll(/^( *)```[^]*?^\1```$/gm, '').replaceAll(/(`+)[^`\n].*?\1/g, 'code')
}

function linksOf (document: string): string[] {
  const prose = proseOf(document)
  const targets = [
    ...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g),
    ...prose.matchAll(/^ *\[[^\]]+\]:\s+(\S+)/gm),
    ...prose.matchAll(/<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"/g)
  ]
  return targets.map(([, target]) => target as string).filter((target) => !/^[a-z][a-z\d+.-]*:|^\/\//i.test(target))
}

/** The anchors that GitHub gives to the headings of a document, and those that it has in HTML. */
function anchorsOf (document: string): Set<string> {
  const source = readFileSync(join(ROOT, document), 'utf8').replaceAll(/^( *)```[^]*?^\1```$/gm, '')
  const anchors = new Set<string>()
  for (const [, heading = ''] of source.matchAll(/^#{1,6} +(.+?)(?: +#+)?$/gm)) {
    const text = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = text.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`
    anchors.add(anchor)
  }
  for (const [, id = ''] of source.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}

/** What is wrong with a link; undefined if nothing is. */
function problemOf (document: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#') as [string, string?]
  const target = path === '' ? document : relative('.', join(dirname(document), decodeURIComponent(path)))
  if (target.startsWith('..')) return 'it leads out of the repository'
  if (!existsSync(join(ROOT, target))) return 'nothing is there'
  if (isPublished(document) && !isPublished(target)) return 'its file is not in the package: add it to files of package.json'
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  return anchorsOf(target).has(decodeURIComponent(anchor)) ? undefined : 'the document has no such heading'
}

for (const document of DOCUMENTS) {
  t.test(`every link of ${document} leads somewhere`, async (t) => {
    t.strictSame(linksOf(document).flatMap((link) => problemOf(document, link) === undefined ? [] : [`${link}: ${problemOf(document, link)}`]), [])
  })
}

t.test('the test finds links in the documents', async (t) => {
  t.ok(DOCUMENTS.includes('README.md') && DOCUMENTS.includes('CHANGELOG.md') && DOCUMENTS.includes('SECURITY.md') && DOCUMENTS.includes('CONTRIBUTING.md'))
  t.ok(linksOf('README.md').length > 10)
})
