/** The manifests of examples/kubernetes, and the folders that the kubelet makes of what they mount. */
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

const FOLDER = join(import.meta.dirname, '../../examples/kubernetes')

export interface Volume {
  readonly name: string
  readonly secret?: { readonly secretName: string }
  readonly configMap?: { readonly name: string }
}

/** The fields of all kinds of objects that tests read. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data: Record<string, string>
  readonly spec: {
    readonly secretName: string
    readonly isCA?: boolean
    readonly usages: readonly string[]
    readonly privateKey: { readonly rotationPolicy: string }
    readonly issuerRef: { readonly name: string, readonly kind: string }
    readonly ca?: { readonly secretName: string }
    readonly selfSigned?: object
    readonly ports: ReadonlyArray<{ readonly targetPort: number }>
    readonly template: { readonly spec: { readonly containers: readonly [Container], readonly volumes: readonly Volume[] } }
  }
}

interface Container {
  readonly env: ReadonlyArray<{ readonly name: string, readonly value: string }>
  readonly ports: ReadonlyArray<{ readonly name?: string, readonly containerPort: number }>
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly volumeMounts: ReadonlyArray<{ readonly name: string, readonly mountPath: string, readonly subPath?: string }>
}

interface Probe {
  readonly httpGet: { readonly path: string, readonly port: string }
}

/** All objects of all files. */
export async function readManifests (): Promise<Manifest[]> {
  const texts = await Promise.all((await readdir(FOLDER)).map((file) => readFile(join(FOLDER, file), 'utf8')))
  return texts.flatMap((text) => parseAllDocuments(text)).map((document) => document.toJS() as Manifest)
}

/** The object of a kind and a name. */
export function find (manifests: readonly Manifest[], kind: string, name = 'example'): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (found.length !== 1) throw new Error(`${found.length} objects are a ${kind} named ${name}`)
  return found[0] as Manifest
}

/** Mounts files as the kubelet does: links to a folder behind `..data`, which is swapped as a whole. */
export async function mount (folder: string, version: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(folder, version), { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, version, name), content)
    await symlink(join('..data', name), join(folder, name)).catch((error) => { if (error.code !== 'EEXIST') throw error })
  }
  await symlink(version, join(folder, '..next'))
  await rename(join(folder, '..next'), join(folder, '..data'))
}
