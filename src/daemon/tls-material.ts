import { X509Certificate } from 'node:crypto';
import { completeServer, readTrustedAuthorities } from '../cli/state-directory/authority.ts';
import type { Config } from '../config/index.ts';
import { trustAnchors } from '../identity/trust.ts';
import type { TlsMaterial } from '../net/tls.ts';
import { SealBrokenError } from '../vault/vault.ts';
import type { Backends } from './backends.ts';
import { findFlawsOfDates, readServerMaterial } from './server-material.ts';
import type { StartContext } from './start-context.ts';

/** The certificates of the server and of the authorities that it trusts. */
export interface CurrentMaterial extends TlsMaterial {
  /** PEM of the authorities of the state directory and of the configuration. */
  readonly authorities: readonly string[];
}

type Options = Pick<StartContext, 'stateDirectory' | 'log' | 'metrics'>;

/** Holds the TLS material in force. */
export class TlsMaterialSource {
  readonly #options: Options;
  readonly #backends: Backends;
  #current: CurrentMaterial;

  private constructor(options: Options, backends: Backends, current: CurrentMaterial) {
    this.#options = options;
    this.#backends = backends;
    this.#current = current;
  }

  /**
   * Reads the material for the first time.
   * @throws {CommandError} when a file is missing or does not fit the others.
   * @throws {StoreUnavailableError} when the clients cannot be read.
   * @throws {SealBrokenError} when rows of clients were altered or deleted.
   */
  static async load(options: Options, config: Config, backends: Backends): Promise<TlsMaterialSource> {
    return new TlsMaterialSource(options, backends, await readMaterial(options, config, backends));
  }

  get current(): CurrentMaterial {
    return this.#current;
  }

  /**
   * Reads material for later use; the current one stays in force.
   * @throws {CommandError} when a file is missing or does not fit the others.
   * @throws {StoreUnavailableError} when the clients cannot be read.
   */
  read(config: Config): Promise<CurrentMaterial> {
    return readMaterial(this.#options, config, this.#backends, this.#current);
  }

  /**
   * Returns the current material with the certificates of the clients that are enrolled now; undefined when
   * the trust anchors stay the same. A command on another node or with another home may have enrolled a
   * client by a certificate of its own; it does not notify this daemon.
   * @throws {StoreUnavailableError} when the clients cannot be read.
   */
  async withEnrolledClients(): Promise<CurrentMaterial | undefined> {
    const current = this.#current;
    const ca = await readAnchors(current.authorities, this.#backends, current);
    // A reload that ended meanwhile has read the clients too.
    const isKnown = ca.length === current.ca.length && ca.every((pem, at) => pem === current.ca[at]);
    return isKnown || this.#current !== current ? undefined : { ...current, ca };
  }

  /** Puts material in force that the listeners have accepted. */
  replace(material: CurrentMaterial): void {
    this.#current = material;
  }
}

/**
 * Returns the trust anchors: the authorities, and the enrolled clients' own certificates; none of these while
 * the vault is sealed, when no row can be read. Those of the material `before` stay where rows of clients
 * were altered or deleted: somebody who does that must prevent no reload, and no client is authorised by
 * them. The operator was alarmed at the read.
 * @throws {SealBrokenError} when there is no material of before
 */
async function readAnchors(
  authorities: readonly string[],
  { clients, vault }: Backends,
  before?: CurrentMaterial,
): Promise<readonly string[]> {
  try {
    return trustAnchors(authorities, vault.unsealed ? await clients.list() : []);
  } catch (error) {
    if (before === undefined || !(error instanceof SealBrokenError)) throw error;
    return [...authorities, ...before.ca.slice(before.authorities.length)];
  }
}

/**
 * Reads the server's certificate and key, the authorities and the enrolled clients' own certificates,
 * and reports when they end. A missing server certificate is issued anew.
 */
async function readMaterial(
  { stateDirectory, log, metrics }: Options,
  config: Config,
  backends: Backends,
  before?: CurrentMaterial,
): Promise<CurrentMaterial> {
  await completeServer(stateDirectory, config);
  const { cert, key, certificates, flaws } = readServerMaterial(config.tls);
  const trusted = readTrustedAuthorities(stateDirectory, config);
  const authorities = trusted.map(({ pem }) => pem);
  const ca = await readAnchors(authorities, backends, before);
  const parsed = trusted.map(({ pem, file }) => ({ file, certificate: new X509Certificate(pem) }));
  const ends = parsed.map(({ certificate }) => certificate.validToDate.getTime());
  metrics.recordCertificateExpiry('server', (certificates[0] as X509Certificate).validToDate);
  metrics.recordCertificateExpiry('ca', new Date(Math.min(...ends)));
  const ofAuthorities = parsed.flatMap(({ certificate, file }) =>
    findFlawsOfDates(certificate, file, new Date()),
  );
  for (const { file, subject, flaw, ends: end } of [...flaws, ...ofAuthorities])
    log.warn({ file, subject, ends: end }, `a certificate ${flaw}`);
  return { cert, key, authorities, ca };
}
