import { readJson, writeJson } from '../../common/json.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import type { GroupContext } from '../authority-certificates.ts';
import type { Context } from '../context.ts';
import { identifierIn, keyFingerprint } from '../record-identifiers.ts';

/**
 * The order in which the authorities of a group could first issue: a request that names no issuer is for the
 * first one that may issue now, so that a later authority receives none of them
 * (docs/decisions/36-certificate-authority.md).
 */

/** Kind of the records of the order, one for each group. */
export const issuerOrderKind = 'issuer-order';

/** Authorities in the order; later ones are looked at after them. */
const maxOrdered = 64;

/** An authority in the order of its group. */
export interface OrderedAuthority {
  /** A key under a name, see `authorityIdentifier`. */
  readonly authority: string;
  /** Fingerprint of the public key. */
  readonly key: string;
  /** Identifier of the private key's object. */
  readonly keyId: string;
}

/** Returns the identifier of a key as authority of a name: a key has one authority for each of its names. */
export function authorityIdentifier(
  { subject, publicKey }: Pick<CertificateContent, 'subject' | 'publicKey'>,
  { crypto }: Pick<Context, 'crypto'>,
): string {
  const name = crypto.certification.comparableName(subject);
  return identifierIn(keyFingerprint(publicKey, crypto), name, crypto);
}

/** Loads the order of the principal's group, the first authority first. */
export async function loadIssuerOrder({
  work,
  principal,
}: GroupContext): Promise<readonly OrderedAuthority[]> {
  const record = await work.records.load(issuerOrderKind, principal.group);
  return record === undefined ? [] : readJson<OrderedAuthority[]>(record);
}

/** Adds authorities at the end of the order, which this message has loaded. */
export function extendIssuerOrder(
  order: readonly OrderedAuthority[],
  added: readonly OrderedAuthority[],
  { work, principal }: GroupContext,
): void {
  const next = [...order, ...added].slice(0, maxOrdered);
  if (next.length > order.length) work.records.put(issuerOrderKind, principal.group, writeJson(next));
}
