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
import { certificateIn, encodeSpki, findOtherHalf } from '../key-pairs.ts';
import { loadNamedObject } from '../named-objects.ts';
import { requestedAttributes } from '../new-object.ts';
import { object, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { isSameKey } from '../record-identifiers.ts';
import { inWholeGroup } from '../whole-group.ts';
import {
  checkCertificateRequest,
  contentFromAttributes,
  formerContent,
  inlineCertificateRequest,
  isDerivedFromCertificate,
} from './certificate-template.ts';
import { requireUnrevoked } from './chains.ts';
import { certifyReasons, createCertificate, requireSameKey } from './issuance.ts';
import { chooseIssuer } from './issuer-choice.ts';

/**
 * Re-certify (KMIP 2.1 §6.1.44, 1.4 §4.8): a certificate for the key pair of an existing one, which stays
 * unchanged but for links.
 */
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
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: old, crypto, now } = context;
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (old.state(now) === 'Compromised' || old.attributes.has('RevocationReason'))
      fail('WrongKeyLifecycleState', 'a certificate that was revoked is not renewed');
    const der = certificateIn(old) ?? fail('FeatureNotSupported', 'only X.509 certificates are made here');
    await requireUnrevoked(der, inWholeGroup(context));
    const details = await crypto.certification.readCertificate(der);
    const stated = await requestedAttributes([request.Attributes], context);
    const inline = inlineCertificateRequest(request);
    const stored =
      inline === undefined
        ? await loadStoredRequest(request.CertificateRequestUniqueIdentifier, context)
        : undefined;
    const certificateRequest = inline ?? requestIn(stored);
    const content = await determineContent(certificateRequest, stated, { object: old, details }, context);
    const lasting = stated.filter((attribute) => !isDerivedFromCertificate(attribute));
    const attributes = replacementAttributes(old, lasting, request.Offset, now);
    const publicKey = await loadPublicKey(old, details.publicKey, context);
    const ownKey = publicKey && (await findOtherHalf(publicKey, 'PrivateKey', context));
    const issuer = await chooseIssuer(
      { attributes: stated, content, ownKey, previous: { object: old, details } },
      context,
    );
    const certificate = await createCertificate(
      {
        operation: 'ReCertify',
        content,
        attributes: [...attributes, ...stated.filter(isDerivedFromCertificate)],
        issuer,
        publicKey,
        ownKey,
        isRequested: certificateRequest !== undefined,
        origins: stored === undefined ? [old] : [old, stored],
        replaced: old,
        validity: details.notAfter - details.notBefore,
      },
      context,
    );
    applyReplacement(old, certificate, now);
    return { UniqueIdentifier: certificate.id };
  },
});

type StoredRequest = Parameters<typeof checkCertificateRequest>[0];

async function loadStoredRequest(
  id: Identifier | undefined,
  context: Context,
): Promise<ManagedObject | undefined> {
  if (id === undefined) return undefined;
  const requirements = { ...certifyReasons, types: ['CertificateRequest'] } as const;
  return loadNamedObject(context.resolve(id), requirements, context);
}

function requestIn(object: ManagedObject | undefined): StoredRequest | undefined {
  return object?.value?.type === 'CertificateRequest' ? object.value.value : undefined;
}

/** The content of the old certificate, changed by the request; the public key stays the same. */
async function determineContent(
  certificateRequest: StoredRequest | undefined,
  stated: readonly Attribute[],
  { object: old, details }: { readonly object: ManagedObject; readonly details: CertificateDetails },
  { crypto }: Context,
): Promise<CertificateContent> {
  if (certificateRequest === undefined)
    return contentFromAttributes(
      details.publicKey,
      stated,
      await formerContent(old, details.publicKey, crypto),
      crypto,
    );
  const content = await checkCertificateRequest(certificateRequest, stated, crypto);
  requireSameKey(content.publicKey, details.publicKey, { crypto });
  return content;
}

/**
 * Loads the public key that the old certificate is linked to, where it is the key in the certificate;
 * undefined when it is another, archived, destroyed or missing.
 */
async function loadPublicKey(
  old: ManagedObject,
  publicKey: Uint8Array,
  { work, crypto }: Context,
): Promise<ManagedObject | undefined> {
  const id = linkedId(old, 'PublicKeyLink');
  const found = id === undefined ? undefined : await work.load(id);
  if (found?.type !== 'PublicKey' || found.archived) return undefined;
  const linked = encodeSpki(found, crypto);
  return linked !== undefined && isSameKey(linked, publicKey, crypto) ? found : undefined;
}
