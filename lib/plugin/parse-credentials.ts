/** `parseCredentials`, for credential sources of an app. */
import type { CredentialText, SourcedCredentials } from '../../types/credential-source.js'

/**
 * Turns a key and its certificates from PEM into what {@link CredentialSource} gives. It is asynchronous, so that an app
 * without such a source need not load the reader.
 *
 * @throws FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_FILE_INVALID for text that is no such PEM
 * @throws FST_ENDPOINT_KEY_MISMATCH if the first certificate has another key
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID for a name that it lacks, a date that is not within its life, or a broken chain
 */
export async function parseCredentials ({ key, chain, names, name, now = Date.now() }: CredentialText): Promise<SourcedCredentials> {
  const { readSourced } = await import('../tls/sourced-credentials.js')
  return readSourced(Buffer.from(key), Buffer.from(chain), { argument: 'credentials', file: name, names, now })
}
