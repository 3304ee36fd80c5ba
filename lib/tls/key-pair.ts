/**
 * Reads a private key and its certificates from PEM, and checks that they match.
 */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { errors, located } from '../errors.js'
import { type PemBlock, readPemBlocks } from '../x509/pem.js'
import { describePublicKey, readPublicKey } from '../x509/public-key.js'

/** A key, and the certificates that a server sends with it, its own first. */
export interface KeyPair {
  readonly key: KeyObject
  readonly chain: readonly X509Certificate[]
}

/** A pair that a context sends, and the file that its certificates come from. */
export interface SentPair extends KeyPair {
  readonly file: string
}

const NO_KEY = 'it holds no PEM block with a private key: give a file with -----BEGIN PRIVATE KEY-----'
const CONVERT = 'Convert it with openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default'

interface KeyFile {
  readonly argument: string
  readonly file: string
  readonly passphrase?: string
  readonly passphraseFile?: string
}

/**
 * Reads the private key of a file.
 *
 * @param argument the argument of the endpoint string that names the file
 * @param passphraseFile the file that `passphrase` came from, for messages
 * @throws FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_FILE_INVALID
 */
export function readPrivateKey (bytes: Buffer, { argument, file, passphrase, passphraseFile }: KeyFile): KeyObject {
  const location = { argument, file }
  const block = readPemBlocks(bytes, `${argument} "${file}"`, location).find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) {
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(argument, file, NO_KEY), location)
  }
  const encrypted = isEncrypted(block)
  if (encrypted && passphrase === undefined) {
    const advice = argument === 'sni' ? 'give a key without one' : 'name the file that holds it with privateKeyPassphraseFile='
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(argument, file, `it is protected by a passphrase: ${advice}`), location)
  }
  try {
    return createPrivateKey(passphrase === undefined ? block.text : { key: block.text, passphrase })
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    const reason = !encrypted
      ? 'the private key cannot be parsed'
      // DES, RC2, RC4, Blowfish, CAST5, SEED, and PKCS #5 v1 with MD2 or MD5.
      : code === 'ERR_OSSL_EVP_UNSUPPORTED'
        ? `it is encrypted with a cipher that OpenSSL 3 supports only in its legacy provider. ${CONVERT}`
        : `it cannot be decrypted with the passphrase in "${passphraseFile}"`
    // Only OpenSSL's code: its text helps nobody, and might show a part of the key.
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(argument, file, `${reason} (${code})`), location)
  }
}

function isEncrypted ({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(text)
}

/**
 * Checks that the first certificate belongs to the key.
 *
 * @param keyName name of the key for messages
 * @throws FST_ENDPOINT_KEY_MISMATCH
 */
export function checkPair (
  chain: readonly X509Certificate[],
  key: KeyObject,
  { argument, file, keyName }: { argument: string, file: string, keyName: string }
): void {
  const leaf = chain[0] as X509Certificate
  if (leaf.checkPrivateKey(key)) return
  const elsewhere = chain.some((certificate) => certificate.checkPrivateKey(key))
  const advice = elsewhere
    ? 'one further down in the file does: put the server certificate first, then its chain'
    : 'give the certificate that was issued for this key'
  throw located(new errors.FST_ENDPOINT_KEY_MISMATCH(`${argument} "${file}"`, keyName, advice), { argument, file })
}

/**
 * Checks that all pairs have different kinds of keys: OpenSSL would use only the last one of a kind.
 *
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID
 */
export function checkKinds (
  pairs: ReadonlyArray<{ readonly file: string, readonly chain: readonly X509Certificate[] }>,
  argument: string
): void {
  const files = new Map<string, string>()
  for (const { file, chain: [leaf] } of pairs) {
    if (leaf === undefined) continue
    const { type } = readPublicKey(leaf.raw)
    const other = files.get(type)
    if (other !== undefined) {
      const kind = describePublicKey(readPublicKey(leaf.raw))
      const problem = `its key (${kind}) is of the same kind as that of "${other}". Give one pair for each kind, for example RSA and ECDSA`
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), { argument, file })
    }
    files.set(type, file)
  }
}
