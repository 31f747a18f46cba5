import { createPrivateKey, X509Certificate } from 'node:crypto';
import { splitCertificates } from '../../certs/pem.ts';
import { CommandError } from '../cli/failure.ts';
import { completeServer, readTrustedAuthorities } from '../cli/state-directory/authority.ts';
import { readRequiredFile } from '../cli/state-directory/state-directory.ts';
import type { Config } from '../config/index.ts';
import type { ClientDirectory } from '../identity/principal.ts';
import { trustAnchors } from '../identity/trust.ts';
import type { TlsMaterial } from '../net/tls.ts';
import type { StartContext } from './start-context.ts';

/** Certificates that end within this time are reported at every start and reload. */
const warnBeforeExpiryMilliseconds = 30 * 86_400_000;

/** The certificates of the server and of the authorities that it trusts. */
export interface CurrentMaterial extends TlsMaterial {
  /** PEM of the authorities of the state directory and of the configuration. */
  readonly authorities: readonly string[];
}

type Options = Pick<StartContext, 'stateDirectory' | 'log' | 'metrics'>;

/** Holds the TLS material in force. */
export class TlsMaterialSource {
  readonly #options: Options;
  readonly #clients: ClientDirectory;
  #current: CurrentMaterial;

  private constructor(options: Options, clients: ClientDirectory, current: CurrentMaterial) {
    this.#options = options;
    this.#clients = clients;
    this.#current = current;
  }

  /**
   * Reads the material for the first time.
   * @throws {CommandError} when a file is missing or does not fit the others.
   */
  static async load(options: Options, config: Config, clients: ClientDirectory): Promise<TlsMaterialSource> {
    return new TlsMaterialSource(options, clients, await readMaterial(options, config, clients));
  }

  get current(): CurrentMaterial {
    return this.#current;
  }

  /**
   * Reads material for later use; the current one stays in force.
   * @throws {CommandError} when a file is missing or does not fit the others.
   */
  read(config: Config): Promise<CurrentMaterial> {
    return readMaterial(this.#options, config, this.#clients);
  }

  /** Puts material in force that the listeners have accepted. */
  replace(material: CurrentMaterial): void {
    this.#current = material;
  }
}

/**
 * Reads the server's certificate and key, the authorities and the enrolled clients' own certificates,
 * and reports when they end. A missing server certificate is issued anew.
 */
async function readMaterial(
  { stateDirectory, log, metrics }: Options,
  config: Config,
  clients: ClientDirectory,
): Promise<CurrentMaterial> {
  await completeServer(stateDirectory, config);
  const { certificate, key } = config.tls;
  const remedy = 'restore it, or change it in the configuration';
  const cert = readRequiredFile(certificate, 'the certificate of the server', remedy);
  const keyPem = readRequiredFile(key, 'the key of the server', remedy);
  const leaf = new X509Certificate(splitCertificates(cert, certificate)[0] ?? '');
  if (!isKeyOf(leaf, keyPem)) {
    throw new CommandError(
      `${key} is not the private key of ${certificate}; put the two that belong together there`,
    );
  }
  const authorities = readTrustedAuthorities(stateDirectory, config);
  const expiries = authorities.map((pem) => new X509Certificate(pem).validToDate.getTime());
  const ca = trustAnchors(authorities, await clients.list());
  const expires = { server: leaf.validToDate, ca: new Date(Math.min(...expiries)) };
  for (const [role, ends] of Object.entries(expires) as ['server' | 'ca', Date][]) {
    metrics.recordCertificateExpiry(role, ends);
    if (ends.getTime() - Date.now() < warnBeforeExpiryMilliseconds)
      log.warn({ certificate: role, ends }, 'a certificate ends soon');
  }
  return { cert, key: keyPem, authorities, ca };
}

function isKeyOf(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}
