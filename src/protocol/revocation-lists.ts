import type { CryptoProvider } from '../crypto/provider.ts';
import {
  collectRevocations,
  type Revocations,
  revokeBySerial,
} from '../operations/certificates/issued-certificates.ts';
import { findIssuers } from '../operations/certificates/issuers.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { ChangedMeanwhileError } from './unit-of-work/changed-meanwhile.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';
import type { WorkLayer } from './unit-of-work/work-layer.ts';

/** Kind of record; the id is that of the issuing key. */
const kind = 'crl';
/** Attempts at one list while clients go on to write. */
const maxAttempts = 10;

/** A certificate authority among the objects of a group. */
export interface IssuerSummary {
  /** Unique Identifier of the certificate. */
  readonly id: string;
  readonly group: string;
  /** Distinguished name in the form of RFC 4514. */
  readonly subject: string;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/** A signed revocation list (RFC 5280 §5). */
export interface RevocationList {
  readonly der: Uint8Array;
  readonly number: number;
  /** Number of revoked certificates. */
  readonly entries: number;
  /** POSIX seconds. */
  readonly nextUpdate: number;
}

/**
 * Makes revocation lists for the certificate authorities among the objects of groups. They are for the
 * operator to publish: KMIP has no operation for them.
 */
export class RevocationLists {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #crypto: CryptoProvider;
  readonly #clock: () => number;

  /** `clock`: milliseconds since 1970. */
  constructor(store: Store, vault: Vault, crypto: CryptoProvider, clock: () => number) {
    this.#store = store;
    this.#vault = vault;
    this.#crypto = crypto;
    this.#clock = clock;
  }

  /** Returns the certificates of a group that may issue certificates. */
  async issuers(group: string): Promise<readonly IssuerSummary[]> {
    const { work, now } = this.#begin(group);
    const found = await findIssuers({ work, crypto: this.#crypto, now, principal: { group } });
    return found.map(({ issuerCertificate: { object, details } }) => ({
      id: object.id,
      group,
      subject: object.attributes.get('CertificateSubject')?.CertificateSubjectDistinguishedName ?? '',
      notAfter: details.notAfter,
    }));
  }

  /**
   * Makes a new list of the issuer with that certificate, valid for `seconds`; undefined when there is no
   * such issuer. The list's number is stored durably before the list is returned.
   * @throws {NoRevocationListError} when the issuer can sign no list.
   */
  async make(id: string, seconds: number): Promise<RevocationList | undefined> {
    const group = await this.#store.groupOf(id);
    if (group === undefined) return undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { unit, work, now } = this.#begin(group);
      const revocations = await collectRevocations(id, { work, crypto: this.#crypto, now });
      if (revocations === undefined) return undefined;
      const number = await nextNumber(work, revocations.keyId);
      const list = await this.#sign(revocations, { number, now, nextUpdate: now + seconds });
      work.keep();
      if ((await unit.commit()) === 'committed') return list;
    }
    throw new ChangedMeanwhileError('the objects of the issuer were');
  }

  /**
   * Revokes the certificate with that serial number of the issuer with that certificate, durably, also when
   * clients have no object of it. Returns its subject, which may be empty; undefined when the issuer or the
   * certificate is not known.
   */
  async revoke(id: string, serial: Uint8Array): Promise<string | undefined> {
    const group = await this.#store.groupOf(id);
    if (group === undefined) return undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { unit, work, now } = this.#begin(group);
      const subject = await revokeBySerial(id, serial, { work, crypto: this.#crypto, now });
      work.keep();
      if ((await unit.commit()) === 'committed') return subject;
    }
    throw new ChangedMeanwhileError('the objects of the issuer were');
  }

  async #sign(
    { certificate, key, parameters, entries }: Revocations,
    {
      number,
      now,
      nextUpdate,
    }: { readonly number: number; readonly now: number; readonly nextUpdate: number },
  ): Promise<RevocationList> {
    const der = await this.#crypto.certification.issueRevocationList({
      issuerCertificate: certificate,
      issuerKey: key,
      number,
      thisUpdate: now,
      nextUpdate,
      entries,
      signature: parameters,
    });
    return { der, number, entries: entries.length, nextUpdate };
  }

  #begin(group: string): { readonly unit: UnitOfWork; readonly work: WorkLayer; readonly now: number } {
    const now = Math.floor(this.#clock() / 1000);
    const unit = new UnitOfWork(this.#store, this.#vault, { uniqueNames: false, now });
    unit.actFor(group);
    return { unit, work: unit.layer(), now };
  }
}

/** Returns the number after the last one of the issuing key, for whichever of its certificates that was. */
async function nextNumber(work: WorkLayer, keyId: string): Promise<number> {
  const record = await work.records.load(kind, keyId);
  const last = record === undefined ? 0 : Number(new TextDecoder().decode(record));
  work.records.put(kind, keyId, new TextEncoder().encode(String(last + 1)));
  return last + 1;
}
