import type { Attribute } from '../../../codec/attribute.ts';
import type { LinkType } from '../../../codec/enums.ts';
import { CryptographicUsageMask, StorageStatusMask } from '../../../codec/masks.ts';
import { fail } from '../../common/errors.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import type { CertificateDetails } from '../../crypto/certification.ts';
import type { AttributeFilter } from '../../object/attribute-filter.ts';
import { linkedId } from '../../object/links.ts';
import { locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { findRecordedCertificates, type GroupContext } from '../authority-certificates.ts';
import { certificateIn, plainKeyIn } from '../key-pairs.ts';
import { isCompromisedKey } from '../revocation-records.ts';
import { filterSameCertificate, storedAnywhere } from '../same-certificates.ts';
import type { WholeGroup } from '../whole-group.ts';
import type { FindQuery } from '../work.ts';
import { loadIssuerOrder } from './issuer-order.ts';

/**
 * An issuer of certificates: an Active certificate of an authority in the group and its private key, which is
 * Active, has CertificateSign in its Cryptographic Usage Mask and is linked to the certificate
 * (docs/decisions/19-certification.md).
 */
export interface Issuer {
  readonly key: ManagedObject;
  /** Undefined when the key signs the certificate of its own public key. */
  readonly issuerCertificate?:
    | {
        readonly object: ManagedObject;
        readonly certificate: Uint8Array;
        readonly details: CertificateDetails;
      }
    | undefined;
}
/** An issuer with a certificate. */
export type Authority = Issuer & { readonly issuerCertificate: NonNullable<Issuer['issuerCertificate']> };

/** The part of Context that the search for issuers needs; revocation lists are made outside any request. */
type IssuerContext = Pick<WholeGroup, 'work' | 'crypto' | 'now'>;

/** Issuing keys of one group that are examined: each costs a few searches and a decryption. */
const maxKeys = 64;
/** Issuing keys of one group up to which the oldest ones are known. */
const maxCountedKeys = 10_000;
/** Certificates of one issuing key, renewed ones included. */
const maxCertificates = 64;

/**
 * Finds every certificate that may issue now, with its key: those of the authorities in the order of the
 * group, whatever other keys it has and whatever Links say, and those of the latest and the oldest keys by
 * their Links.
 * @throws {KmipError} ServerLimitExceeded when the keys are too many to be counted
 */
export async function findIssuers(context: IssuerContext & GroupContext): Promise<Authority[]> {
  const ordered = new Map((await loadIssuerOrder(context)).map(({ key, keyId }) => [keyId, key]));
  const keys = [...(await searchKeys([...ordered.keys()], context)), ...(await searchIssuingKeys(context))];
  const found: Authority[] = [];
  for (const key of uniqueObjects(keys)) {
    const fingerprint = ordered.get(key.id);
    const recorded = fingerprint === undefined ? [] : await findStoredCertificates(fingerprint, context);
    for (const certificate of uniqueObjects([...recorded, ...(await findCertificates(key, context))])) {
      const authority = await matchAuthority(certificate, key, context);
      if (authority !== undefined) found.push(authority);
    }
  }
  return found;
}

/** Loads the latest and the oldest keys that may issue, so that a client who adds keys hides no older one. */
async function searchIssuingKeys(context: IssuerContext): Promise<ManagedObject[]> {
  const filter = locateFilter({ attributes: issuingKeys, now: context.now });
  const query = { filter, offset: 0, limit: maxKeys };
  const { ids, total } = await context.work.find({ ...query, countedItems: maxCountedKeys });
  if (total === undefined)
    fail(
      'ServerLimitExceeded',
      `there are more than ${maxCountedKeys} keys that may issue: name one by a Link`,
    );
  const latest = await loadAll(ids, context);
  const offset = Math.max(maxKeys, total - maxKeys);
  return total <= maxKeys ? latest : [...latest, ...(await loadFound({ ...query, offset }, context))];
}

function uniqueObjects(objects: readonly ManagedObject[]): Iterable<ManagedObject> {
  return new Map(objects.map((object) => [object.id, object])).values();
}

/** Loads those of the objects that are private keys which may issue. */
function searchKeys(ids: readonly string[], context: IssuerContext): Promise<ManagedObject[]> {
  const filter = locateFilter({ attributes: issuingKeys, now: context.now });
  const any = ids.map(
    (value): AttributeFilter => ({
      attribute: 'UniqueIdentifier',
      fields: [{ field: '', op: '=', value }],
    }),
  );
  if (any.length === 0) return Promise.resolve([]);
  return loadFound({ filter: { all: [filter, { any }] }, offset: 0, limit: maxKeys }, context);
}

/** Loads the objects on line with the certificates that make a key an authority, by its fingerprint. */
async function findStoredCertificates(
  key: string,
  context: IssuerContext & GroupContext,
): Promise<ManagedObject[]> {
  const recorded = await findRecordedCertificates(key, context);
  const onLine = StorageStatusMask.bit('OnLineStorage');
  const any = recorded.map((certificate) => filterSameCertificate(certificate, onLine, context));
  return any.length === 0 ? [] : loadFound({ filter: { any }, offset: 0, limit: maxCertificates }, context);
}

/** Finds the issuer with the certificate of that identifier; undefined when it may not issue now. */
export async function findIssuer(id: string, context: IssuerContext): Promise<Authority | undefined> {
  const certificate = await context.work.load(id);
  if (certificate?.type !== 'Certificate') return undefined;
  const linked = await findIssuingKeys(certificate, context);
  // Links can be changed: the key that fits is the issuer's, linked or not.
  return (
    (await matchOne(certificate, linked, context)) ??
    matchOne(certificate, await searchIssuingKeys(context), context)
  );
}

async function matchOne(
  certificate: ManagedObject,
  keys: readonly ManagedObject[],
  context: IssuerContext,
): Promise<Authority | undefined> {
  for (const key of keys) {
    const authority = await matchAuthority(certificate, key, context);
    if (authority !== undefined) return authority;
  }
  return undefined;
}

/** Conditions for private keys that may issue. */
const issuingKeys: readonly Attribute[] = [
  { name: 'ObjectType', value: 'PrivateKey' },
  { name: 'State', value: 'Active' },
  { name: 'CryptographicUsageMask', value: CryptographicUsageMask.bit('CertificateSign') },
];

async function matchAuthority(
  object: ManagedObject,
  key: ManagedObject,
  context: IssuerContext,
): Promise<Authority | undefined> {
  const { crypto, now } = context;
  const plain = plainKeyIn(key);
  const certificate = certificateIn(object);
  if (plain === undefined || certificate === undefined) return undefined;
  if (object.archived || object.state(now) !== 'Active') return undefined;
  const details = await crypto.certification.readCertificate(certificate);
  const fits = mayIssue(details, now) && crypto.certification.isPair(plain, details.publicKey);
  if (!fits || (await isCompromisedKey(details.publicKey, object.group, context))) return undefined;
  return { key, issuerCertificate: { object, certificate, details } };
}

/** Bit of KeyUsage (RFC 5280 §4.2.1.3). */
const keyCertSign = 32;

function mayIssue(
  { authority, keyUsage = keyCertSign, notBefore, notAfter }: CertificateDetails,
  now: number,
) {
  return authority && (keyUsage & keyCertSign) !== 0 && notBefore <= now && now < notAfter;
}

/** Finds certificates that are linked to the private key, in either direction and through the public key. */
export async function findCertificates(key: ManagedObject, context: IssuerContext): Promise<ManagedObject[]> {
  const { work } = context;
  const publicId = linkedId(key, 'PublicKeyLink');
  const publicKey = publicId === undefined ? undefined : await work.load(publicId);
  const ids = [
    ...linkedCertificateIds(key),
    ...(publicKey === undefined ? [] : linkedCertificateIds(publicKey)),
  ];
  const linked = await Promise.all([...new Set(ids)].map((id) => work.load(id)));
  const pointing = [await findLinkingTo(key.id, 'PrivateKeyLink', context)];
  if (publicId !== undefined) pointing.push(await findLinkingTo(publicId, 'PublicKeyLink', context));
  const all = [...linked, ...pointing.flat()].filter((object) => object?.type === 'Certificate');
  return [...new Map(all.map((object) => [object?.id, object as ManagedObject])).values()];
}

/**
 * Finds private keys that may issue and are linked to the certificate: the links of `findCertificates`,
 * reversed.
 */
async function findIssuingKeys(certificate: ManagedObject, context: IssuerContext): Promise<ManagedObject[]> {
  const { id } = certificate;
  const named = linkedId(certificate, 'PrivateKeyLink');
  const publicKeys: Attribute[] = [
    { name: 'ObjectType', value: 'PublicKey' },
    linkAttribute('CertificateLink', id),
  ];
  const publicIds = new Set((await searchObjects(publicKeys, maxKeys, context)).map((object) => object.id));
  publicIds.add(linkedId(certificate, 'PublicKeyLink') ?? id);
  const conditions: Attribute[] = [
    linkAttribute('CertificateLink', id),
    ...(named === undefined ? [] : [{ name: 'UniqueIdentifier', value: named } as const]),
    ...[...publicIds].map((publicId) => linkAttribute('PublicKeyLink', publicId)),
  ];
  const found: ManagedObject[] = [];
  for (const condition of conditions)
    found.push(...(await searchObjects([...issuingKeys, condition], maxKeys, context)));
  return found;
}

function linkAttribute(LinkType: LinkType, LinkedObjectIdentifier: string): Attribute {
  return { name: 'Link', value: { LinkType, LinkedObjectIdentifier } };
}

function linkedCertificateIds(object: ManagedObject): string[] {
  return object.attributes
    .values('Link')
    .filter(({ LinkType }) => LinkType === 'CertificateLink')
    .map(({ LinkedObjectIdentifier: id }) => id)
    .filter((id) => typeof id === 'string');
}

function findLinkingTo(id: string, LinkType: LinkType, context: IssuerContext): Promise<ManagedObject[]> {
  const attributes: Attribute[] = [{ name: 'ObjectType', value: 'Certificate' }, linkAttribute(LinkType, id)];
  return searchObjects(attributes, maxCertificates, context);
}

/** Certificates of one subject: an authority has a few, and each costs the check of a signature. */
const maxSameSubject = 256;
/** Bytes of certificates that one search examines; long ones take tens of milliseconds each. */
const maxExaminedBytes = 4 * 2 ** 20;

/**
 * Loads the certificates of a subject (Name in DER) one by one, archived ones too, and serves other requests
 * between them.
 * @throws {KmipError} ServerLimitExceeded beyond what is examined: one that is not looked at could bind
 */
export async function* examineCertificatesOf(
  subject: Uint8Array,
  { work, now }: Pick<IssuerContext, 'work' | 'now'>,
): AsyncGenerator<ManagedObject> {
  const value = { SubjectDistinguishedName: subject, SubjectAlternativeName: [] };
  const attributes = [
    { name: 'ObjectType', value: 'Certificate' },
    { name: 'X_509CertificateSubject', value },
  ] satisfies readonly Attribute[];
  const filter = locateFilter({ attributes, now, storageStatusMask: storedAnywhere });
  const { ids } = await work.find({ filter, offset: 0, limit: maxSameSubject });
  const eventLoop = new EventLoopYield();
  let bytes = 0;
  for (const id of ids) {
    if (eventLoop.isDue) await eventLoop.yield();
    const object = await work.load(id);
    if (object === undefined) continue;
    bytes += certificateIn(object)?.length ?? 0;
    if (bytes > maxExaminedBytes) break;
    yield object;
  }
  if (bytes > maxExaminedBytes || ids.length === maxSameSubject)
    fail(
      'ServerLimitExceeded',
      'there are too many or too long certificates with the subject of the authority',
    );
}

/** Loads at most `limit` objects on line with all these attributes. */
async function searchObjects(
  attributes: readonly Attribute[],
  limit: number,
  context: Pick<IssuerContext, 'work' | 'now'>,
): Promise<ManagedObject[]> {
  return loadFound({ filter: locateFilter({ attributes, now: context.now }), offset: 0, limit }, context);
}

async function loadFound(query: FindQuery, context: Pick<IssuerContext, 'work'>): Promise<ManagedObject[]> {
  return loadAll((await context.work.find(query)).ids, context);
}

async function loadAll(
  ids: readonly string[],
  { work }: Pick<IssuerContext, 'work'>,
): Promise<ManagedObject[]> {
  const objects = await Promise.all(ids.map((id) => work.load(id)));
  return objects.filter((object) => object !== undefined);
}
