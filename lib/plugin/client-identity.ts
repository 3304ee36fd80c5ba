/** `request.clientIdentity`: the names in a client's certificate, and its roles, in the form for apps. */
import type { X509Certificate } from 'node:crypto'
import type { Admission } from '../tls/verdict.js'
import { spiffeIdOf } from '../x509/spiffe-id.js'
import { type NameKind, readSubjectNames } from '../x509/subject-names.js'
import type { ClientIdentity } from '../../types/client-identity.js'

/** The identities of clients. Each is created on first use, and stays the same object until the rules in force change. */
export class ClientIdentities {
  readonly #named = new WeakMap<X509Certificate, ClientIdentity>()
  readonly #admitted = new WeakMap<Admission, ClientIdentity>()

  /** @param admission undefined for a certificate that a test has put on a request */
  of (certificate: X509Certificate, admission: Admission | undefined): ClientIdentity {
    if (admission === undefined) return this.#withoutRoles(certificate)
    let identity = this.#admitted.get(admission)
    if (identity === undefined) {
      identity = Object.freeze({ ...this.#withoutRoles(certificate), roles: Object.freeze([...admission.roles]) })
      this.#admitted.set(admission, identity)
    }
    return identity
  }

  #withoutRoles (certificate: X509Certificate): ClientIdentity {
    let identity = this.#named.get(certificate)
    if (identity === undefined) {
      identity = identityOf(certificate.raw)
      this.#named.set(certificate, identity)
    }
    return identity
  }
}

/** Names that identify nobody, see `SubjectName.problem`, are left out. */
function identityOf (der: Uint8Array): ClientIdentity {
  const names = readSubjectNames(der)
  const good = names.problem === undefined ? names.names.filter(({ problem }) => problem === undefined) : []
  const valuesOf = (kind: NameKind): readonly string[] => Object.freeze(good.filter((name) => name.kind === kind).map(({ value }) => value))
  const [commonName] = valuesOf('cn')
  return Object.freeze({
    commonName,
    dns: valuesOf('dns'),
    uris: valuesOf('uri'),
    emails: valuesOf('email'),
    ips: valuesOf('ip'),
    spiffeId: spiffeIdOf(names),
    roles: Object.freeze([])
  })
}
