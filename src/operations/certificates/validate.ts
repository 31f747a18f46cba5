import type { Attribute } from '../../../codec/attribute.ts';
import type { AttributeName } from '../../../codec/attribute-table.ts';
import { ValidityIndicator } from '../../../codec/enums.ts';
import { StorageStatusMask } from '../../../codec/masks.ts';
import { date, many, maybe, one, struct } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { Certificate } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { ValidationResult } from '../../crypto/certification.ts';
import { anyStorageStatus, locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Filter } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { loadNamedObject } from '../named-objects.ts';
import { valueOf } from '../new-object.ts';
import { conversation, operation } from '../operation.ts';
import { certificateIn } from './issuers.ts';

/** Certificates in one chain; chains in use have four or five. */
const maxChain = 32;
/** Certificates of the same subject. */
const maxSameSubject = 32;

/**
 * Validate (KMIP 2.1 §6.1.57, 1.4 §4.24): whether one chain of certificates, given as values and by
 * identifier in any order, is valid at a date. Missing issuers are taken from the group's certificates. A
 * chain is Valid when it ends in a self-signed certificate of the group and the group has revoked none of it.
 */
export const Validate = operation({
  name: 'Validate',
  since: '1.0',
  request: struct({
    Certificate: many(Certificate),
    UniqueIdentifier: many(identifier),
    ValidityDate: maybe(date),
  }),
  response: struct({ ValidityIndicator: one(ValidityIndicator) }),
  target: conversation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { crypto, now } = context;
    const count = request.Certificate.length + request.UniqueIdentifier.length;
    if (count === 0) fail('InvalidMessage', 'there is no certificate to validate');
    if (count > maxChain) fail('InvalidField', `a chain has at most ${maxChain} certificates`);
    const given = request.Certificate.map(({ CertificateType, CertificateValue }) =>
      CertificateType === 'X_509'
        ? CertificateValue
        : fail('InvalidField', 'only X.509 certificates are validated'),
    );
    for (const id of request.UniqueIdentifier)
      given.push(await loadCertificate(context.resolve(id), context));
    const ordered =
      crypto.certification.buildChain(given) ??
      fail('InvalidMessage', 'the certificates do not form one chain');
    const chain = await completeChain(ordered, context);
    const at = request.ValidityDate ?? now;
    return { ValidityIndicator: await validateChain(chain, at, context) };
  },
});

async function loadCertificate(id: string, context: Context): Promise<Uint8Array> {
  const object = await loadNamedObject(
    id,
    { types: ['Certificate'], legacyReason: 'InvalidMessage' },
    context,
  );
  return certificateIn(object) ?? fail('InvalidField', 'only X.509 certificates are validated');
}

/** Extends the chain by issuers that the group has, as far as possible. */
async function completeChain(given: readonly Uint8Array[], context: Context): Promise<readonly Uint8Array[]> {
  const chain = [...given];
  while (chain.length < maxChain) {
    const last = chain.at(-1) as Uint8Array;
    const issuer = await findIssuerCertificate(last, context);
    if (issuer === undefined) break;
    chain.push(issuer);
  }
  return chain;
}

async function findIssuerCertificate(
  certificate: Uint8Array,
  context: Context,
): Promise<Uint8Array | undefined> {
  const { isIssuedBy } = context.crypto.certification;
  if (isIssuedBy(certificate, certificate)) return undefined;
  const described = context.crypto.describeCertificate({
    CertificateType: 'X_509',
    CertificateValue: certificate,
  });
  const name = valueOf(described, 'X_509CertificateIssuer')?.IssuerDistinguishedName;
  if (name === undefined) return undefined;
  const value = { SubjectDistinguishedName: name, SubjectAlternativeName: [] };
  const objects = await searchObjects({ name: 'X_509CertificateSubject', value }, context);
  return objects
    .map(certificateIn)
    .find((candidate) => candidate !== undefined && isIssuedBy(certificate, candidate));
}

async function validateChain(
  chain: readonly Uint8Array[],
  at: number,
  context: Context,
): Promise<ValidationResult> {
  for (const certificate of chain) if (await isRevoked(certificate, at, context)) return 'Invalid';
  const result = await context.crypto.certification.validatePath(chain, at);
  // Anybody can make a self-signed certificate, so only those that the group stores are trusted.
  return result === 'Valid' && !(await isStored(chain.at(-1) as Uint8Array, context)) ? 'Unknown' : result;
}

/**
 * Whether an object of the group with that certificate, archived and destroyed ones included, was revoked or
 * past its Deactivation Date at that time (POSIX seconds).
 */
async function isRevoked(certificate: Uint8Array, at: number, context: Context): Promise<boolean> {
  const by = (attribute: AttributeName): Filter => ({
    attribute,
    fields: [{ field: '', op: '<=', value: at }],
  });
  const ended: Filter = { any: [by('CompromiseOccurrenceDate'), by('DeactivationDate')] };
  const filter: Filter = { all: [filterSameCertificate(certificate, anyStorageStatus, context), ended] };
  return (await context.work.find({ filter, offset: 0, limit: 1 })).total > 0;
}

async function isStored(certificate: Uint8Array, context: Context): Promise<boolean> {
  const filter = filterSameCertificate(certificate, storedAnywhere, context);
  return (await context.work.find({ filter, offset: 0, limit: 1 })).total > 0;
}

/** Builds the filter for objects with the same certificate, by the digest, which outlives the value. */
function filterSameCertificate(certificate: Uint8Array, storageStatusMask: number, context: Context): Filter {
  const { crypto, now } = context;
  const DigestValue = crypto.digest('SHA_256', certificate);
  const attributes: Attribute[] = [
    { name: 'ObjectType', value: 'Certificate' },
    { name: 'Digest', value: { HashingAlgorithm: 'SHA_256', DigestValue } },
  ];
  return locateFilter({ attributes, storageStatusMask, now });
}

/** Archived certificates count like others. */
const storedAnywhere = StorageStatusMask.bit('OnLineStorage') | StorageStatusMask.bit('ArchivalStorage');

async function searchObjects(attribute: Attribute, { work, now }: Context): Promise<ManagedObject[]> {
  const filter = locateFilter({ attributes: [attribute], storageStatusMask: storedAnywhere, now });
  const { ids } = await work.find({ filter, offset: 0, limit: maxSameSubject });
  const objects = await Promise.all(ids.map((id) => work.load(id)));
  return objects.filter((object) => object !== undefined);
}
