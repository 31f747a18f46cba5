import type { Attribute } from '../../../codec/attribute.ts';
import { CertificateRequestType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { bytes, interval, maybe, one, since, struct, text, until } from '../../../codec/schema.ts';
import { type Identifier, identifier } from '../../../codec/structures/identifier.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent, CertificateDetails } from '../../crypto/certification.ts';
import { linkedId } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { applyReplacement, replacementAttributes } from '../../object/replacement.ts';
import type { Context } from '../context.ts';
import { namedObject } from '../named-objects.ts';
import { requestedAttributes } from '../new-object.ts';
import { object, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import {
  contentFromAttributes,
  inlineRequest,
  isDerivedFromCertificate,
  readRequest,
} from './certificate-template.ts';
import { certifiable, issue, privateKeyOf, requireSameKey } from './issuance.ts';
import { certificateIn, chooseIssuer } from './issuers.ts';

/** Re-certify (KMIP 2.1 §6.1.44, 1.4 §4.8): a new certificate for the key pair of an old one, which stays as it is. */
export const ReCertify = operation({
  name: 'ReCertify',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CertificateRequestUniqueIdentifier: since('2.0', maybe(identifier)),
    CertificateRequestType: maybe(CertificateRequestType),
    CertificateRequest: until('1.4', maybe(bytes)),
    CertificateRequestValue: since('2.0', maybe(bytes)),
    Offset: maybe(interval),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ types: ['Certificate'], legacyReason: 'PermissionDenied' }),
  async handle(request, context) {
    const { object: old, crypto, now } = context;
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (old.state(now) === 'Compromised')
      fail('WrongKeyLifecycleState', 'the key of a compromised certificate is not certified again');
    const der = certificateIn(old) ?? fail('FeatureNotSupported', 'only X.509 certificates are made here');
    const facts = await crypto.certification.readCertificate(der);
    const stated = await requestedAttributes([request.Attributes], context);
    const certificateRequest =
      inlineRequest(request) ?? (await storedRequest(request.CertificateRequestUniqueIdentifier, context));
    const content = await contentOf(certificateRequest, stated, facts, context);
    const lasting = stated.filter((attribute) => !isDerivedFromCertificate(attribute));
    const attributes = replacementAttributes(old, lasting, request.Offset, now);
    const publicKey = await publicKeyObject(old, context);
    const ownKey = await privateKeyOf(publicKey, context);
    const issuer = await chooseIssuer(
      { attributes: stated, subject: content.subject, ownKey, previous: { object: old, facts } },
      context,
    );
    const certificate = await issue(
      {
        operation: 'ReCertify',
        content,
        attributes: [...attributes, ...stated.filter(isDerivedFromCertificate)],
        issuer,
        publicKey,
        validity: facts.notAfter - facts.notBefore,
      },
      context,
    );
    applyReplacement(old, certificate, now);
    return { UniqueIdentifier: certificate.id };
  },
});

type StoredRequest = Parameters<typeof readRequest>[0];

async function storedRequest(
  id: Identifier | undefined,
  context: Context,
): Promise<StoredRequest | undefined> {
  if (id === undefined) return undefined;
  const { value } = await namedObject(
    context.resolve(id),
    { ...certifiable, types: ['CertificateRequest'] },
    context,
  );
  return value?.type === 'CertificateRequest' ? value.value : undefined;
}

/** The same subject again, but for what the request says otherwise; the key stays in any case. */
async function contentOf(
  certificateRequest: StoredRequest | undefined,
  stated: readonly Attribute[],
  facts: CertificateDetails,
  { crypto }: Context,
): Promise<CertificateContent> {
  if (certificateRequest === undefined) return contentFromAttributes(facts.publicKey, stated, facts, crypto);
  const content = await readRequest(certificateRequest, stated, crypto);
  requireSameKey(content.publicKey, facts.publicKey);
  return content;
}

/** The public key that the old certificate is linked to, if it is still here. */
async function publicKeyObject(old: ManagedObject, { work }: Context): Promise<ManagedObject | undefined> {
  const id = linkedId(old, 'PublicKeyLink');
  const found = id === undefined ? undefined : await work.load(id);
  return found?.type === 'PublicKey' && !found.archived && !found.destroyed ? found : undefined;
}
