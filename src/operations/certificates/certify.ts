import { CertificateRequestType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { bytes, maybe, one, since, struct, text, until } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import { linkedId } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { findOtherHalf } from '../key-pairs.ts';
import { loadNamedObject } from '../named-objects.ts';
import { requestedAttributes } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import {
  checkCertificateRequest,
  contentFromAttributes,
  formerContent,
  inlineCertificateRequest,
} from './certificate-template.ts';
import {
  certifyReasons,
  createCertificate,
  defaultValiditySeconds,
  encodePublicKey,
  requireSameKey,
} from './issuance.ts';
import { chooseIssuer } from './issuer-choice.ts';

/**
 * Certify (KMIP 2.1 §6.1.6, 1.4 §4.7): a certificate for a stored public key, for a stored certificate
 * request (2.x), or for one inside the message. A certificate request overrides attributes.
 */
export const Certify = operation({
  name: 'Certify',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CertificateRequestType: maybe(CertificateRequestType),
    CertificateRequest: until('1.4', maybe(bytes)),
    CertificateRequestValue: since('2.0', maybe(bytes)),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: creation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { crypto } = context;
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    const inline = inlineCertificateRequest(request);
    const named =
      inline !== undefined && request.UniqueIdentifier === undefined
        ? undefined
        : await loadNamedObject(
            context.resolve(request.UniqueIdentifier),
            { ...certifyReasons, types: ['PublicKey', 'CertificateRequest'] },
            context,
          );
    const stored = named?.value?.type === 'CertificateRequest' ? named.value.value : undefined;
    if (inline !== undefined && stored !== undefined)
      fail('InvalidMessage', 'there are two certificate requests');
    const attributes = await requestedAttributes([request.Attributes], context);
    const publicKey = await loadSubjectKey(named, context);
    const keyInfo = publicKey === undefined ? undefined : encodePublicKey(publicKey, context);
    const certificateRequest = inline ?? stored;
    const requested =
      certificateRequest === undefined
        ? undefined
        : await checkCertificateRequest(certificateRequest, attributes, crypto);
    if (keyInfo !== undefined && requested !== undefined)
      requireSameKey(requested.publicKey, keyInfo, context);
    const content =
      requested ??
      (await contentFromAttributes(
        keyInfo as Uint8Array,
        attributes,
        await readFormerContent(publicKey as ManagedObject, keyInfo as Uint8Array, context),
        crypto,
      ));
    const ownKey = publicKey && (await findOtherHalf(publicKey, 'PrivateKey', context));
    const issuer = await chooseIssuer({ attributes, content, ownKey }, context);
    const origins = named === undefined ? [] : [named];
    const validity = defaultValiditySeconds;
    const isRequested = requested !== undefined;
    const certificate = await createCertificate(
      {
        operation: 'Certify',
        content,
        attributes,
        issuer,
        publicKey,
        ownKey,
        isRequested,
        origins,
        validity,
      },
      context,
    );
    return { UniqueIdentifier: certificate.id };
  },
});

/** Returns the public key that is named, or loads the one that a stored certificate request links to. */
async function loadSubjectKey(
  named: ManagedObject | undefined,
  context: Context,
): Promise<ManagedObject | undefined> {
  if (named?.type !== 'CertificateRequest') return named;
  const id = linkedId(named, 'PublicKeyLink');
  return id === undefined
    ? undefined
    : loadNamedObject(id, { ...certifyReasons, types: ['PublicKey'] }, context);
}

/** Reads the content of the latest certificate of the key. */
async function readFormerContent(object: ManagedObject, publicKey: Uint8Array, { work, crypto }: Context) {
  const id = linkedId(object, 'CertificateLink');
  return formerContent(id === undefined ? undefined : await work.load(id), publicKey, crypto);
}
