import type { Attribute } from '../../../codec/attribute.ts';
import type { LinkType } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent, CertificateDetails } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { findRecordedSince } from '../authority-certificates.ts';
import type { Context } from '../context.ts';
import { certificateIn } from '../key-pairs.ts';
import { identifierIn, isSameKey, keyFingerprint } from '../record-identifiers.ts';
import { statedName } from './certificate-template.ts';
import {
  authorityIdentifier,
  extendIssuerOrder,
  loadIssuerOrder,
  type OrderedAuthority,
} from './issuer-order.ts';
import { type Authority, findIssuer, findIssuers, type Issuer } from './issuers.ts';

/**
 * Which issuer signs. A request names its object; a name stands for the key that first issued under it, so
 * that a later authority of that name changes nothing (docs/decisions/36-certificate-authority.md).
 */

/** Properties of a request by which an issuer is chosen. */
export interface IssuerSelector {
  /**
   * Attributes of the request, with a Link to the issuer's certificate (CertificateLink) or the issuer's
   * name.
   */
  readonly attributes: readonly Attribute[];
  /** The content of the certificate to be made. */
  readonly content: CertificateContent;
  /** The private key of the public key to be certified, when the group has it. */
  readonly ownKey: ManagedObject | undefined;
  /** The certificate to be replaced: its issuer is used when the request states none. */
  readonly previous?: { readonly object: ManagedObject; readonly details: CertificateDetails } | undefined;
}

/**
 * Chooses the issuer of a certificate among those that have not been replaced.
 * @throws {KmipError} ItemNotFound when there is none, InvalidField when there are several
 */
export async function chooseIssuer(selector: IssuerSelector, context: Context): Promise<Issuer> {
  const { attributes, content, ownKey, previous } = selector;
  const { certification } = context.crypto;
  const stated = statedName(attributes, 'Issuer');
  const name = stated === undefined ? undefined : await certification.encodeName(stated);
  const linked = issuerLink(attributes);
  if (linked !== undefined)
    return (
      (await findIssuer(linked, context)) ??
      fail('ItemNotFound', 'the certificate that the Link names is not that of an issuer here')
    );
  if (ownKey !== undefined) {
    const renewed = name === undefined && previous?.details.selfSigned === true;
    const isOwnName =
      name !== undefined &&
      certification.comparableName(name) === certification.comparableName(content.subject);
    if (renewed || isOwnName) return { key: ownKey };
  }
  const issuers = await findIssuers(context);
  if (name === undefined && previous !== undefined) return requireSigner(issuers, previous.object, context);
  const known = await withoutLaterKeys(issuers, context);
  const selected =
    name === undefined ? await selectFirst(known, context) : await selectNamed(known, name, context);
  return requireOne(selected, context);
}

/**
 * Selects the authority that could issue first, among those that the operator lists where only those may
 * issue. Several remain when they came at the same time and none has issued yet.
 */
async function selectFirst(issuers: readonly Authority[], context: Context): Promise<readonly Authority[]> {
  const ranked = await rankIssuers(await selectAllowed(issuers, context), context);
  return ranked.filter(({ rank }) => rank === ranked[0]?.rank).map(({ issuer }) => issuer);
}

async function selectAllowed(issuers: readonly Authority[], context: Context): Promise<readonly Authority[]> {
  if (!context.certification.onlyListedAuthorities) return issuers;
  const listed = await context.listedKeys();
  const allowed = issuers.filter(({ issuerCertificate: { details } }) =>
    listed.has(keyFingerprint(details.publicKey, context.crypto)),
  );
  return allowed.length > 0 ? allowed : issuers;
}

interface RankedIssuer {
  readonly issuer: Authority;
  readonly authority: string;
  /** Negative in the order of the group, else POSIX seconds since when the group has the authority. */
  readonly rank: number;
}

/** Sorts issuers: those in the order of the group first, then by the time at which their keys came. */
async function rankIssuers(issuers: readonly Authority[], context: Context): Promise<RankedIssuer[]> {
  const order = await loadIssuerOrder(context);
  const ranked: RankedIssuer[] = [];
  for (const issuer of issuers) {
    const { details } = issuer.issuerCertificate;
    const authority = authorityIdentifier(details, context);
    const at = order.findIndex((each) => each.authority === authority);
    const key = keyFingerprint(details.publicKey, context.crypto);
    const rank = at >= 0 ? at - order.length : await findRecordedSince(key, context);
    ranked.push({ issuer, authority, rank });
  }
  return ranked.toSorted((a, b) => a.rank - b.rank);
}

/**
 * Records that an authority, whose certificate has these details, issues with that private key: behind the
 * authorities that could issue before, and not before its own certificate is in force. Limited Rights record
 * nothing, because they reach some of the authorities only.
 */
export async function recordIssuerOrder(
  issuer: CertificateDetails,
  key: ManagedObject,
  context: Context,
): Promise<void> {
  const order = await loadIssuerOrder(context);
  const own = authorityIdentifier(issuer, context);
  const isKnown = order.some(({ authority }) => authority === own);
  if (context.work.isLimited || isKnown || issuer.notBefore > context.now) return;
  const place = ({ publicKey }: CertificateDetails, { id }: ManagedObject) => {
    return { key: keyFingerprint(publicKey, context.crypto), keyId: id };
  };
  const ranked = await rankIssuers(await findIssuers(context), context);
  const isOther = ({ authority }: RankedIssuer) => Number(authority !== own);
  const added = new Map<string, OrderedAuthority>();
  for (const each of ranked.toSorted((a, b) => a.rank - b.rank || isOther(a) - isOther(b))) {
    const { authority, rank, issuer: other } = each;
    if (rank >= 0 && !added.has(authority))
      added.set(authority, { authority, ...place(other.issuerCertificate.details, other.key) });
  }
  if (!added.has(own)) added.set(own, { authority: own, ...place(issuer, key) });
  extendIssuerOrder(order, [...added.values()], context);
}

/**
 * Selects the issuers of a name. A whole name that an issuer has, or once had, is that of no other one: a
 * later authority whose name has more parts receives no request by it.
 */
async function selectNamed(
  issuers: readonly Authority[],
  name: Uint8Array,
  context: Context,
): Promise<readonly Authority[]> {
  const { comparableName, nameContains } = context.crypto.certification;
  const whole = issuers.filter(
    ({ issuerCertificate: { details } }) => comparableName(details.subject) === comparableName(name),
  );
  const id = nameRecordOf(name, context);
  const isTaken = whole.length > 0 || (await context.work.records.load(issuerNameKind, id)) !== undefined;
  if (isTaken) return whole;
  return issuers.filter(({ issuerCertificate: { details } }) => nameContains(details.subject, name));
}

/**
 * Returns the CertificateLink of the request, which names the issuer's certificate (KMIP 2.1 §4.31, 1.4
 * §3.35).
 */
function issuerLink(attributes: readonly Attribute[]): string | undefined {
  const link = attributes.find(
    ({ name, vendor, value }) =>
      name === 'Link' &&
      vendor === undefined &&
      (value as { LinkType: LinkType }).LinkType === 'CertificateLink',
  )?.value as { readonly LinkedObjectIdentifier: unknown } | undefined;
  return typeof link?.LinkedObjectIdentifier === 'string' ? link.LinkedObjectIdentifier : undefined;
}

/**
 * Returns the issuer whose key signed the certificate in an object: a name alone is no reason to change keys.
 */
function requireSigner(issuers: readonly Authority[], old: ManagedObject, context: Context): Issuer {
  const certificate = certificateIn(old);
  const { isIssuedBy } = context.crypto.certification;
  const signers = issuers.filter(
    ({ issuerCertificate }) =>
      certificate !== undefined && isIssuedBy(certificate, issuerCertificate.certificate),
  );
  if (signers.length > 0) return requireOne(signers, context);
  fail('ItemNotFound', 'the issuer of the certificate is not here any more: name one by a CertificateLink');
}

/** @throws {KmipError} ItemNotFound when there is none, InvalidField when there are several keys or names */
function requireOne(issuers: readonly Authority[], context: Context): Issuer {
  const [first, ...others] = issuers;
  if (first === undefined)
    fail(
      'ItemNotFound',
      'there is no issuer here: register an Active certificate of an authority and its key',
    );
  if (others.some((other) => !isSameAuthority(first, other, context)))
    fail('InvalidField', 'there are several issuers: name one by a Link of type CertificateLink');
  return newestOf(issuers);
}

function isSameAuthority(first: Authority, other: Authority, { crypto }: Context): boolean {
  const { details: own } = first.issuerCertificate;
  const { details: its } = other.issuerCertificate;
  const { comparableName } = crypto.certification;
  return (
    isSameKey(own.publicKey, its.publicKey, crypto) &&
    comparableName(own.subject) === comparableName(its.subject)
  );
}

/**
 * Of several certificates of one key the one that none replaces, as the server recorded it; then the one that
 * ends last.
 */
function newestOf(issuers: readonly Authority[]): Authority {
  const replaced = new Set(
    issuers.map(({ issuerCertificate }) => issuerCertificate.object.provenance.replaces),
  );
  const order = issuers
    .filter(({ issuerCertificate }) => !replaced.has(issuerCertificate.object.id))
    .toSorted(
      ({ issuerCertificate: a }, { issuerCertificate: b }) =>
        b.details.notAfter - a.details.notAfter || (b.object.id < a.object.id ? -1 : 1),
    );
  return (order[0] ?? issuers[0]) as Authority;
}

/** Kind of the records of names: the key that first issued under a name, by group and name. */
export const issuerNameKind = 'issuer-name';

function nameRecordOf(name: Uint8Array, { crypto, principal }: Context): string {
  return identifierIn(principal.group, crypto.certification.comparableName(name), crypto);
}

/** Returns the issuers without those whose name is that of another key, by the record or as it came first. */
async function withoutLaterKeys(issuers: readonly Authority[], context: Context): Promise<Authority[]> {
  const ranked = await rankIssuers(issuers, context);
  const known: Authority[] = [];
  for (const { issuer, rank } of ranked) {
    const { details } = issuer.issuerCertificate;
    const record = await context.work.records.load(issuerNameKind, nameRecordOf(details.subject, context));
    const isOwn =
      record === undefined
        ? findContesting(ranked, details, context).every((other) => other.rank >= rank)
        : new TextDecoder().decode(record) === keyFingerprint(details.publicKey, context.crypto);
    if (isOwn) known.push(issuer);
  }
  return known;
}

/** Returns the issuers with the name of a certificate and another key. */
function findContesting(
  ranked: readonly RankedIssuer[],
  own: CertificateDetails,
  { crypto }: Context,
): readonly RankedIssuer[] {
  const { comparableName } = crypto.certification;
  const name = comparableName(own.subject);
  return ranked.filter(
    ({ issuer: { issuerCertificate } }) =>
      comparableName(issuerCertificate.details.subject) === name &&
      !isSameKey(issuerCertificate.details.publicKey, own.publicKey, crypto),
  );
}

/**
 * Records that the name of an issuer stands for its key, when it stands for no other and every other issuer
 * of that name in the group came later. Limited Rights claim no name: it is that of the whole group. `issuer`
 * are the details of its certificate.
 */
export async function claimName(issuer: CertificateDetails, context: Context): Promise<void> {
  const { records, isLimited } = context.work;
  const id = nameRecordOf(issuer.subject, context);
  if (isLimited || (await records.load(issuerNameKind, id)) !== undefined) return;
  const ranked = await rankIssuers(await findIssuers(context), context);
  const authority = authorityIdentifier(issuer, context);
  // A certificate that is being made comes last.
  const { rank } = ranked.find((each) => each.authority === authority) ?? { rank: context.now };
  if (findContesting(ranked, issuer, context).some((other) => other.rank <= rank)) return;
  const key = keyFingerprint(issuer.publicKey, context.crypto);
  records.put(issuerNameKind, id, new TextEncoder().encode(key));
}
