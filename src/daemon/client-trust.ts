import { X509Certificate } from 'node:crypto';
import { readCertificateFile } from '../../certs/certificate-file.ts';
import { findChainProblem } from '../cli/state-directory/client-chain.ts';
import type { Client } from '../identity/principal.ts';

/** The result for one certificate, as long as nothing that it depends on ends. */
interface Known {
  readonly problem: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * Tells whether the authorities in force still stand behind the certificates of clients. OpenSSL asks that
 * at the handshake only, and not on connections that the server opens; an authority may end or be withdrawn
 * while a connection lasts.
 */
export class ClientTrust {
  readonly #authorities: () => readonly string[];
  /** By the authorities in force, then by the enrolled certificate. */
  readonly #known = new WeakMap<readonly string[], Map<string, Known>>();

  /** `authorities`: PEM of those in force; another array whenever they change. */
  constructor(authorities: () => readonly string[]) {
    this.#authorities = authorities;
  }

  /**
   * Returns why no trusted authority stands behind the client's certificate now; undefined when one does, or
   * when it was enrolled with a chain of its own.
   */
  async problemOf({ fingerprint, certificate: pem }: Client): Promise<string | undefined> {
    const authorities = this.#authorities();
    const table = this.#known.get(authorities) ?? new Map<string, Known>();
    this.#known.set(authorities, table);
    const now = Date.now();
    const known = table.get(fingerprint);
    if (known !== undefined && now < known.until) return known.problem;
    const [certificate, ...chain] = readCertificateFile(Buffer.from(pem));
    const issuers = [...chain, ...authorities.map((each) => new X509Certificate(each))];
    const problem = await findChainProblem(certificate, issuers, new Date(now));
    const changes = [certificate, ...issuers]
      .flatMap(({ validFromDate, validToDate }) => [validFromDate.getTime(), validToDate.getTime() + 1])
      .filter((time) => time > now);
    table.set(fingerprint, { problem, until: Math.min(...changes) });
    return problem;
  }
}
