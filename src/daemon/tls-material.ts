import { createPrivateKey, X509Certificate } from 'node:crypto';
import { splitCertificates } from '../../certs/pem.ts';
import { CommandError } from '../cli/failure.ts';
import { authoritiesOf, completeServer } from '../cli/state-directory/authority.ts';
import { readRequiredFile, type StateDirectory } from '../cli/state-directory/state-directory.ts';
import type { Config } from '../config/index.ts';
import type { ClientDirectory } from '../identity/principal.ts';
import { trustAnchors } from '../identity/trust.ts';
import type { TlsMaterial } from '../net/tls.ts';

/** What the listener presents and trusts, and when those certificates end. */
export interface CurrentMaterial extends TlsMaterial {
  /** PEM of those of the home and the configuration. */
  readonly authorities: readonly string[];
  readonly serverExpires: Date;
  /** The first of the authorities to end. */
  readonly authorityExpires: Date;
}

/**
 * Reads the server's certificate and key, the authorities and the certificates that clients brought along. A server
 * certificate that was taken away is made anew. Throws CommandError when something is missing or does not fit.
 */
export async function readMaterial(
  home: StateDirectory,
  config: Config,
  clients: ClientDirectory,
): Promise<CurrentMaterial> {
  await completeServer(home, config);
  const { certificate, key } = config.tls;
  const remedy = 'restore it, or change it in the configuration';
  const cert = readRequiredFile(certificate, 'the certificate of the server', remedy);
  const keyPem = readRequiredFile(key, 'the key of the server', remedy);
  const leaf = new X509Certificate(splitCertificates(cert, certificate)[0] ?? '');
  if (!fits(leaf, keyPem)) {
    throw new CommandError(
      `${key} is not the private key of ${certificate}; put the two that belong together there`,
    );
  }
  const authorities = authoritiesOf(home, config);
  const ends = authorities.map((pem) => new X509Certificate(pem).validToDate.getTime());
  return {
    cert,
    key: keyPem,
    authorities,
    ca: trustAnchors(authorities, await clients.list()),
    serverExpires: leaf.validToDate,
    authorityExpires: new Date(Math.min(...ends)),
  };
}

function fits(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}
