import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../../../codec/attribute-table.ts';
import { CryptographicUsageMask } from '../../../../codec/masks.ts';
import { eraOf } from '../../../../codec/version.ts';
import type { NamePartType } from '../../../../src/crypto/certification.ts';
import { authorityCertificateKinds } from '../../../../src/operations/authority-certificates.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { issuerOrderKind } from '../../../../src/operations/certificates/issuer-order.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { deleteRecord, openRecord } from '../../../../src/protocol/unit-of-work/record-boxes.ts';
import { TestService } from '../../service.ts';
import { attributesOf, having, materialOf, succeed } from '../ask.ts';

/** Authorities and certificate requests for the tests of Certify, Re-certify and Validate. */

export function attribute<N extends AttributeName>(name: N, value: AttributeValue<N>): Attribute {
  return { name, value } as Attribute;
}

export const mask = (...bits: Parameters<typeof CryptographicUsageMask.bit>[0][]): Attribute =>
  attribute(
    'CryptographicUsageMask',
    bits.reduce((all, bit) => all | CryptographicUsageMask.bit(bit), 0),
  );

/** Attributes of a subject or issuer name, part by part. */
export function name(
  whose: 'Subject' | 'Issuer',
  parts: Partial<Record<NamePartType, string>>,
): readonly Attribute[] {
  return Object.entries(parts).map(
    ([part, value]) => ({ name: `Certificate${whose}${part}`, value }) as Attribute,
  );
}

export const linkTo = (
  id: string,
  LinkType: 'CertificateLink' | 'PrivateKeyLink' = 'CertificateLink',
): Attribute => attribute('Link', { LinkType, LinkedObjectIdentifier: id });

export interface Pair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export const p256: readonly Attribute[] = [
  attribute('CryptographicAlgorithm', 'ECDSA'),
  attribute('CryptographicDomainParameters', { RecommendedCurve: 'P_256' }),
];

export async function keyPair(
  service: TestService,
  common: readonly Attribute[] = p256,
  ...bits: Parameters<typeof mask>
): Promise<Pair> {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...common),
    PrivateKeyAttributes: having(mask('Sign', ...bits)),
    PublicKeyAttributes: having(mask('Verify')),
  });
  return { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
}

export interface Authority extends Pair {
  readonly certificate: string;
  readonly der: Uint8Array;
}

/** Creates an authority in the service: a key, and a self-signed certificate. */
export async function authority(
  service: TestService,
  common = 'Root',
  key: readonly Attribute[] = p256,
  ...more: readonly Attribute[]
): Promise<Authority> {
  const pair = await keyPair(service, key, 'CertificateSign');
  await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
  const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(
      ...name('Subject', { CN: common, O: 'Test' }),
      ...name('Issuer', { CN: common, O: 'Test' }),
      mask('CertificateSign', 'CRLSign'),
      ...more,
    ),
  });
  return { ...pair, certificate, der: await certificateOf(service, certificate) };
}

/** Certifies a new key pair below the authority. */
export async function certified(
  service: TestService,
  issuer: Authority,
  common: string,
  ...more: readonly Attribute[]
): Promise<Authority> {
  const pair = await keyPair(service);
  const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...name('Subject', { CN: common }), linkTo(issuer.certificate), ...more),
  });
  return { ...pair, certificate, der: await certificateOf(service, certificate) };
}

export async function certificateOf(service: TestService, id: string): Promise<Uint8Array> {
  const { Object: object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  if (object?.type !== 'Certificate') throw new Error('there is no certificate');
  return object.value.CertificateValue;
}

export interface Draft {
  readonly subject?: string;
  readonly extensions?: x509.Extension[];
  readonly keys?: webcrypto.CryptoKeyPair;
}

export const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export function clientKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

/** Makes a certificate request outside the server. */
export async function requestOf({ subject = 'CN=client', extensions = [], keys }: Draft = {}): Promise<{
  readonly der: Uint8Array;
  readonly pem: Uint8Array;
}> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: subject, extensions, signingAlgorithm: ecdsa, keys: keys ?? (await clientKeys()) },
    webcrypto as Crypto,
  );
  return { der: new Uint8Array(request.rawData), pem: new TextEncoder().encode(request.toString('pem')) };
}

/** Removes the records that databases of older versions do not have. */
export async function forgetRecords({ store, vault, now }: TestService): Promise<void> {
  for (const kind of [...authorityCertificateKinds, issuerOrderKind])
    for (const row of await store.records({ kind, limit: 1_000, at: now / 1000 }))
      await deleteRecord(store, vault, kind, openRecord(vault, row).id);
}

export async function opened(t: { teardown(close: () => unknown): void }): Promise<TestService> {
  const service = await TestService.open();
  t.teardown(() => service.close());
  return service;
}

/** Request fields with a certificate request, in the names of the version. */
export function carrying(version: Parameters<typeof eraOf>[0], value: Uint8Array, type = 'PKCS_10') {
  const field = eraOf(version) === '1.x' ? 'CertificateRequest' : 'CertificateRequestValue';
  return { CertificateRequestType: type, [field]: value };
}

export async function links(service: TestService, id: string): Promise<Record<string, string>> {
  const found = (await attributesOf(service, id)).filter((each) => each.name === 'Link');
  return Object.fromEntries(
    found.map(({ value }) => {
      const link = value as { LinkType: string; LinkedObjectIdentifier: string };
      return [link.LinkType, link.LinkedObjectIdentifier];
    }),
  );
}

/** Imports a key pair of the server into WebCrypto. */
export async function extracted(
  service: TestService,
  pair: { privateKey: string; publicKey: string },
): Promise<webcrypto.CryptoKeyPair> {
  const { Object: object } = await succeed(service, '2.1', Get, {
    UniqueIdentifier: pair.privateKey,
    KeyFormatType: 'PKCS_8',
  });
  const key = createPrivateKey({ key: Buffer.from(materialOf(object)), format: 'der', type: 'pkcs8' });
  const publicKey = await succeed(service, '2.1', Get, { UniqueIdentifier: pair.publicKey });
  const spki = materialOf(publicKey.Object);
  return {
    privateKey: key.toCryptoKey(ecdsa, true, ['sign']) as CryptoKey,
    publicKey: (await crypto.subtle.importKey('spki', new Uint8Array(spki), ecdsa, true, [
      'verify',
    ])) as CryptoKey,
  };
}

export interface Outside {
  readonly subject: x509.JsonName;
  readonly keys: webcrypto.CryptoKeyPair;
  /** Another authority than the subject itself. */
  readonly issuer?: { readonly name: x509.JsonName; readonly keys: webcrypto.CryptoKeyPair } | undefined;
  readonly extensions: readonly x509.Extension[];
}

/** Signs a certificate outside the server that is valid for fifty days from `now` (milliseconds). */
export async function signOutside(
  now: number,
  { subject, keys, issuer = { name: subject, keys }, extensions }: Outside,
): Promise<Uint8Array> {
  const made = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer.name,
      notBefore: new Date(now),
      notAfter: new Date(now + 50 * day * 1000),
      publicKey: keys.publicKey,
      signingKey: issuer.keys.privateKey,
      signingAlgorithm: ecdsa,
      extensions: [...extensions],
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(made.rawData);
}

/** One name in spellings that are equal by RFC 5280 §7.1. */
export function spellingsOf(common: string): Readonly<Record<string, x509.JsonName>> {
  return {
    'the same name': [{ CN: [common] }],
    'another letter case': [{ CN: [common.toUpperCase()] }],
    'more spaces': [{ CN: [` ${common}  `] }],
    'a UTF8String': [{ CN: [{ utf8String: common }] }] as never,
    'a BMPString': [{ CN: [{ bmpString: common }] }] as never,
  };
}

/** The extensions of an authority. */
export const ca = (pathLength?: number): x509.Extension =>
  new x509.BasicConstraintsExtension(true, pathLength, true);
/** Name Constraints that permit kmip.example only: the value in hex, and the extension. */
export const constraints = '3012a010300e820c6b6d69702e6578616d706c65';
export const permitted = new x509.Extension('2.5.29.30', true, Uint8Array.fromHex(constraints));

/** Creates a key pair of which the private key issues certificates only and never leaves the server. */
export async function keptPair(service: TestService, ...changes: readonly Attribute[]): Promise<Pair> {
  const all = [mask('CertificateSign'), attribute('Sensitive', true), attribute('Extractable', false)];
  const kept = all.filter((each) => changes.every((change) => change.name !== each.name));
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...p256),
    PrivateKeyAttributes: having(...kept, ...changes),
    PublicKeyAttributes: having(mask('Verify')),
  });
  return { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
}

/** Creates an authority below another one. */
export async function subordinate(
  service: TestService,
  root: Authority,
  common: string,
  makePair: (service: TestService) => Promise<Pair> = () => keyPair(service, p256, 'CertificateSign'),
): Promise<Authority> {
  const pair = await makePair(service);
  await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
  const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...name('Subject', { CN: common }), mask('CertificateSign'), linkTo(root.certificate)),
  });
  return { ...pair, certificate, der: await certificateOf(service, certificate) };
}

export const day = 86_400;
export const year = 365 * day;

export const readX509 = (der: Uint8Array) => new x509.X509Certificate(der);
