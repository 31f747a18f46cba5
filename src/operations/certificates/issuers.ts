import type { Attribute } from '../../../codec/attribute.ts';
import type { LinkType } from '../../../codec/enums.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateDetails } from '../../crypto/certification.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import { linkedId } from '../../object/links.ts';
import { locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { statedName } from './certificate-template.ts';

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
type IssuerContext = Pick<Context, 'work' | 'crypto' | 'now'>;

/** Issuing keys of one group that are examined: each costs a few searches and a decryption. */
const maxKeys = 64;
/** Certificates of one issuing key, renewed ones included. */
const maxCertificates = 64;

/** Returns the X.509 certificate in an object in DER; undefined when there is none. */
export function certificateIn(object: ManagedObject | undefined): Uint8Array | undefined {
  const value = object?.value;
  return value?.type === 'Certificate' && value.value.CertificateType === 'X_509'
    ? value.value.CertificateValue
    : undefined;
}

/** Properties of a request by which an issuer is chosen. */
export interface IssuerSelector {
  /**
   * Attributes of the request, with a Link to the issuer's certificate (CertificateLink) or the issuer's
   * name.
   */
  readonly attributes: readonly Attribute[];
  /** The subject of the certificate to be made, in DER. */
  readonly subject: Uint8Array;
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
  const { attributes, subject, ownKey, previous } = selector;
  const { certification } = context.crypto;
  const stated = statedName(attributes, 'Issuer');
  const name = stated === undefined ? undefined : await certification.encodeName(stated);
  const linked = issuerLink(attributes);
  if (ownKey !== undefined && linked === undefined) {
    const renewed = name === undefined && previous?.details.selfSigned === true;
    if (renewed || (name !== undefined && isSameName(name, subject, context))) return { key: ownKey };
  }
  if (linked !== undefined) {
    return (
      (await findIssuer(linked, context)) ??
      fail('ItemNotFound', 'the certificate that the Link names is not that of an issuer here')
    );
  }
  const activeIssuers = (await findIssuers(context)).filter(
    ({ issuerCertificate }) => linkedId(issuerCertificate.object, 'ReplacementObjectLink') === undefined,
  );
  if (name !== undefined) {
    return requireOne(
      activeIssuers.filter(({ issuerCertificate }) =>
        certification.nameContains(issuerCertificate.details.subject, name),
      ),
    );
  }
  if (previous === undefined) return requireOne(activeIssuers);
  const previousIssuerId = linkedId(previous.object, 'CertificateLink');
  const same = activeIssuers.find(
    ({ issuerCertificate }) => issuerCertificate.object.id === previousIssuerId,
  );
  return (
    same ??
    requireOne(
      activeIssuers.filter(({ issuerCertificate }) =>
        isSameName(issuerCertificate.details.subject, previous.details.issuer, context),
      ),
    )
  );
}

function requireOne(issuers: readonly Authority[]): Issuer {
  const [first, second] = issuers;
  if (second !== undefined) {
    fail('InvalidField', 'there are several issuers: name one by a Link of type CertificateLink');
  }
  return (
    first ??
    fail(
      'ItemNotFound',
      'there is no issuer here: register an Active certificate of an authority and its key',
    )
  );
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

function isSameName(first: Uint8Array, other: Uint8Array, { crypto }: Context): boolean {
  const { nameContains } = crypto.certification;
  return nameContains(first, other) && nameContains(other, first);
}

/** Finds every certificate that may issue now, with its key. */
export async function findIssuers(context: IssuerContext): Promise<Authority[]> {
  const keys = await searchObjects(issuingKeys, maxKeys, context);
  const found: Authority[] = [];
  for (const key of keys) {
    for (const certificate of await findCertificates(key, context)) {
      const authority = await matchAuthority(certificate, key, context);
      if (authority !== undefined) found.push(authority);
    }
  }
  return found;
}

/** Finds the issuer with the certificate of that identifier; undefined when it may not issue now. */
export async function findIssuer(id: string, context: IssuerContext): Promise<Authority | undefined> {
  const certificate = await context.work.load(id);
  if (certificate?.type !== 'Certificate') return undefined;
  for (const key of await findIssuingKeys(certificate, context)) {
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

/** Returns the key in an object; undefined when only its attributes are stored, or the key is wrapped. */
export function plainKeyIn({ type, value }: ManagedObject): PlainKey | undefined {
  return value !== undefined && hasKeyBlock(value) ? plainKey(type, value.value.KeyBlock) : undefined;
}

async function matchAuthority(
  object: ManagedObject,
  key: ManagedObject,
  { crypto, now }: IssuerContext,
): Promise<Authority | undefined> {
  const plain = plainKeyIn(key);
  const certificate = certificateIn(object);
  if (plain === undefined || certificate === undefined) return undefined;
  if (object.archived || object.state(now) !== 'Active') return undefined;
  const details = await crypto.certification.readCertificate(certificate);
  const fits = mayIssue(details, now) && crypto.certification.isPair(plain, details.publicKey);
  return fits ? { key, issuerCertificate: { object, certificate, details } } : undefined;
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
async function findCertificates(key: ManagedObject, context: IssuerContext): Promise<ManagedObject[]> {
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

async function searchObjects(
  attributes: readonly Attribute[],
  limit: number,
  { work, now }: IssuerContext,
): Promise<ManagedObject[]> {
  const { ids } = await work.find({ filter: locateFilter({ attributes, now }), offset: 0, limit });
  const objects = await Promise.all(ids.map((id) => work.load(id)));
  return objects.filter((object) => object !== undefined);
}
