import type { Attribute, StandardAttribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { maybe, struct, text } from '../../../codec/schema.ts';
import {
  Certificate,
  CertificateRequest,
  type ManagedObjectValue,
} from '../../../codec/structures/managed-objects.ts';
import { fail, MissingPermissionError } from '../../common/errors.ts';
import {
  type ClientCertificate,
  EnrolmentRefusedError,
  type Enrolments,
  type GeneratedKey,
  type ReplacedEnrolment,
} from '../../identity/enrolment.ts';
import type { Client } from '../../identity/principal.ts';
import { matchesFilter } from '../../object/filter-evaluation.ts';
import { setLink } from '../../object/links.ts';
import { anyStorageStatus, locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { recordReplacement } from '../enrolment.ts';
import { createObject } from '../new-object.ts';
import { creation, operation } from '../operation.ts';

/**
 * Re-Provision (KMIP 2.1 §6.1.47): replaces the client's certificate by one that the server signs for a
 * certificate request, that the client brings, or that the server makes with its key
 * (docs/decisions/23-re-provision.md). The client has to prove that it has the key of the new certificate: by
 * the signature of the certificate request, or because the certificate that it brings is for the key of its
 * connection. The answer names the object of the new certificate.
 */
export const ReProvision = operation({
  name: 'ReProvision',
  since: '2.0',
  request: struct({ CertificateRequest: maybe(CertificateRequest), Certificate: maybe(Certificate) }),
  response: struct({ UniqueIdentifier: maybe(text) }),
  target: creation(),
  limitedRight: 'nothing',
  async handle(request, context) {
    const enrolments =
      context.enrolments ?? fail('FeatureNotSupported', 'certificates of clients are not replaced here');
    const client = await requireEnrolledClient(enrolments, context);
    await requireNotRevoked(decodePem(client.certificate), context);
    const replacement = await translateRefusal(() => obtainReplacement(request, client, enrolments, context));
    await requireUnused(replacement, enrolments);
    const certificate = await createCertificateObject(replacement, context);
    if (replacement.key !== undefined) await createKeyObject(replacement.key, certificate, context);
    await replaceEnrolment(client, replacement, certificate, enrolments, context);
    return { UniqueIdentifier: certificate.id };
  },
});

interface Request {
  readonly CertificateRequest?: CertificateRequest | undefined;
  readonly Certificate?: Certificate | undefined;
}

/** The new certificate, and its key when the server made it. */
interface Replacement extends ClientCertificate {
  readonly by: ReplacedEnrolment['by'];
  readonly key?: GeneratedKey;
}

/**
 * Returns the client's entry in the directory. Refuses clients that authenticated by a ticket, because they
 * have not presented the certificate to be replaced, and certificates that have been replaced since, on this
 * or another connection.
 */
async function requireEnrolledClient({ directory }: Enrolments, { principal }: Context): Promise<Client> {
  if (principal.ticket !== undefined)
    fail('PermissionDenied', 'a ticket cannot be used to replace the certificate of a client');
  const client = await directory.byName(principal.client);
  if (client === undefined || client.disabled || client.group !== principal.group)
    fail('PermissionDenied', 'the client is not enrolled any more');
  if (client.fingerprint !== principal.fingerprint)
    fail('PermissionDenied', 'the certificate of this connection is not that of the client any more');
  if ((await directory.byFingerprint(client.fingerprint))?.name !== client.name)
    fail('PermissionDenied', 'the client is not enrolled any more');
  return client;
}

/** Refuses a certificate that the group has as an object and that has been revoked. */
async function requireNotRevoked(
  CertificateValue: Uint8Array,
  { work, crypto, now }: Context,
): Promise<void> {
  const described = crypto.describeCertificate({ CertificateType: 'X_509', CertificateValue });
  const attributes: Attribute[] = [
    { name: 'ObjectType', value: 'Certificate' },
    ...described.filter(({ name }: StandardAttribute) => name === 'X_509CertificateIdentifier'),
  ];
  const filter = locateFilter({ attributes, storageStatusMask: anyStorageStatus, now });
  const revoked = { all: [filter, { attribute: 'RevocationReason', fields: [] }] };
  const { ids } = await work.wholeGroup.find({ filter: revoked, offset: 0, limit: 1 });
  if (ids.length > 0) fail('PermissionDenied', 'the certificate has been revoked');
}

async function obtainReplacement(
  { CertificateRequest: certificateRequest, Certificate: broughtCertificate }: Request,
  client: Client,
  enrolments: Enrolments,
  context: Context,
): Promise<Replacement> {
  if (certificateRequest !== undefined && broughtCertificate !== undefined)
    fail('InvalidField', 'there is a Certificate Request and a Certificate: send one of them');
  if (broughtCertificate !== undefined) {
    if (broughtCertificate.CertificateType !== 'X_509')
      fail('FeatureNotSupported', 'clients are enrolled by certificates of X.509 only');
    const accepted = await enrolments.accept(broughtCertificate.CertificateValue, client.certificate);
    await requireNotRevoked(accepted.der, context);
    return { ...accepted, by: 'certificate' };
  }
  if (!enrolments.canIssue)
    fail('FeatureNotSupported', 'the server has no authority of its own: send a Certificate of yours');
  if (certificateRequest !== undefined) {
    const { CertificateRequestType: type, CertificateRequestValue: value } = certificateRequest;
    if (type !== 'PKCS_10' && type !== 'PEM')
      fail('FeatureNotSupported', 'certificate requests are read as PKCS#10, in DER or PEM, only');
    return { ...(await enrolments.signRequest(client.name, value)), by: 'certificate request' };
  }
  await requireSoleClient(client, enrolments, context);
  return { ...(await enrolments.generate(client.name)), by: 'generated key' };
}

/**
 * Refuses to generate a key that other clients could fetch. Clients of a group share its objects, so another
 * client could authenticate as this one, with its role.
 */
async function requireSoleClient(
  { name, group }: Client,
  { directory }: Enrolments,
  { principal }: Context,
): Promise<void> {
  if (!principal.may('Get'))
    throw new MissingPermissionError(name, 'Get', ', so that it could not fetch the key');
  // A row that does not open may be one of the group.
  const others = (await directory.list('refuse')).some(
    (other) => other.group === group && other.name !== name,
  );
  if (others)
    fail(
      'PermissionDenied',
      'other clients share the group and could fetch the key: send a Certificate Request',
    );
}

async function requireUnused({ fingerprint }: ClientCertificate, { directory }: Enrolments): Promise<void> {
  if ((await directory.byFingerprint(fingerprint)) !== undefined)
    fail('PermissionDenied', 'the certificate is enrolled already');
}

/** Stores the certificate as an object, Active until its end. */
function createCertificateObject({ der, notAfter }: Replacement, context: Context): Promise<ManagedObject> {
  const value: ManagedObjectValue = {
    type: 'Certificate',
    value: { CertificateType: 'X_509', CertificateValue: der },
  };
  const attributes: Attribute[] = [
    { name: 'ActivationDate', value: context.now },
    { name: 'DeactivationDate', value: notAfter },
  ];
  return createObject({ operation: 'Register', type: value.type, attributes, value, inputs: [] }, context);
}

/**
 * Stores the private key, linked with its certificate; Pre-Active, so that the client can destroy the key
 * after Get.
 */
async function createKeyObject(
  { pkcs8, algorithm, bits }: GeneratedKey,
  certificate: ManagedObject,
  context: Context,
): Promise<void> {
  const KeyBlock = {
    KeyFormatType: 'PKCS_8',
    KeyValue: { KeyMaterial: pkcs8, Attributes: [] },
    CryptographicAlgorithm: algorithm,
    CryptographicLength: bits,
  } as const;
  const value: ManagedObjectValue = { type: 'PrivateKey', value: { KeyBlock } };
  const attributes: Attribute[] = [
    { name: 'CryptographicUsageMask', value: CryptographicUsageMask.bit('Sign') },
  ];
  const key = await createObject(
    { operation: 'CreateKeyPair', type: value.type, attributes, value, inputs: [], generated: true },
    context,
  );
  if (!matchesFilter(context.fetchable, key.attributes.list()))
    fail('PermissionDenied', 'the role of the client could not fetch the key: send a Certificate Request');
  setLink(key, 'CertificateLink', certificate.id, context.now);
  setLink(certificate, 'PrivateKeyLink', key.id, context.now);
}

async function replaceEnrolment(
  { name: client, group, fingerprint: before }: Client,
  { der, pem: certificate, fingerprint, by }: Replacement,
  { id: object }: ManagedObject,
  enrolments: Enrolments,
  context: Context,
): Promise<void> {
  const { work, sessionControl } = context;
  sessionControl?.expect(der);
  work.reenrol({ client, group, before, fingerprint, certificate });
  await recordReplacement(before, { client, replacement: fingerprint }, context);
  work.afterCommit(() => {
    enrolments.replaced({ client, fingerprint, before, object, by });
    sessionControl?.replaced();
  });
}

/** Turns EnrolmentRefusedError into InvalidField. */
async function translateRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EnrolmentRefusedError) fail('InvalidField', `it cannot be used: ${error.message}`);
    throw error;
  }
}

/** Decodes the first certificate of a PEM text. */
function decodePem(pem: string): Uint8Array {
  const [body = ''] = /(?<=-----BEGIN CERTIFICATE-----)[^-]+/.exec(pem) ?? [];
  return Uint8Array.fromBase64(body);
}
