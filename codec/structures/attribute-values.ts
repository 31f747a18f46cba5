import {
  AlternativeNameType,
  HashingAlgorithm,
  KeyFormatType,
  KeyValueLocationType,
  LinkType,
  NameType,
  RevocationReasonCode,
  RotateNameType,
  UsageLimitsUnit,
} from '../enums.ts';
import { bytes, type Infer, long, many, maybe, one, since, struct, text } from '../schema.ts';
import { identifier } from './identifier.ts';

/** KMIP 2.1 §4.32, 1.4 §3.2. */
export const Name = struct({ NameValue: one(text), NameType: one(NameType) });
export type Name = Infer<typeof Name>;

/** KMIP 2.1 §4.17, 1.4 §3.17. */
export const Digest = struct({
  HashingAlgorithm: one(HashingAlgorithm),
  DigestValue: maybe(bytes),
  KeyFormatType: since('1.1', maybe(KeyFormatType)),
});
export type Digest = Infer<typeof Digest>;

/** KMIP 2.1 §4.60, 1.4 §3.21. */
export const UsageLimits = struct({
  UsageLimitsTotal: one(long),
  // Optional here, because clients that set limits do not know the count yet; several leave it out.
  UsageLimitsCount: maybe(long),
  UsageLimitsUnit: one(UsageLimitsUnit),
});
export type UsageLimits = Infer<typeof UsageLimits>;

/** KMIP 2.1 §4.47, 1.4 §3.31. */
export const RevocationReason = struct({
  RevocationReasonCode: one(RevocationReasonCode),
  RevocationMessage: maybe(text),
});
export type RevocationReason = Infer<typeof RevocationReason>;

/** KMIP 2.1 §4.31, 1.4 §3.35. */
export const Link = struct({ LinkType: one(LinkType), LinkedObjectIdentifier: one(identifier) });
export type Link = Infer<typeof Link>;

/** KMIP 2.1 §4.4, 1.4 §3.36. */
export const ApplicationSpecificInformation = struct({
  ApplicationNamespace: one(text),
  ApplicationData: maybe(text),
});
export type ApplicationSpecificInformation = Infer<typeof ApplicationSpecificInformation>;

/** KMIP 2.1 §4.3, 1.4 §3.40. */
export const AlternativeName = struct({
  AlternativeNameValue: one(text),
  AlternativeNameType: one(AlternativeNameType),
});
export type AlternativeName = Infer<typeof AlternativeName>;

/** KMIP 2.1 §4.28, 1.4 §3.42. */
export const KeyValueLocation = struct({
  KeyValueLocationValue: one(text),
  KeyValueLocationType: one(KeyValueLocationType),
});
export type KeyValueLocation = Infer<typeof KeyValueLocation>;

/** KMIP 2.1 §4.54. */
export const RotateName = struct({ RotateNameValue: one(text), RotateNameType: one(RotateNameType) });
export type RotateName = Infer<typeof RotateName>;

/** KMIP 1.4 §3.13; deprecated since 1.1 in favour of the X.509 form, which has DER instead of text. */
export const CertificateIdentifier = struct({ Issuer: one(text), SerialNumber: maybe(text) });
export type CertificateIdentifier = Infer<typeof CertificateIdentifier>;

/** KMIP 1.4 §3.14. */
export const CertificateSubject = struct({
  CertificateSubjectDistinguishedName: maybe(text),
  CertificateSubjectAlternativeName: many(text),
});
export type CertificateSubject = Infer<typeof CertificateSubject>;

/** KMIP 1.4 §3.15. */
export const CertificateIssuer = struct({
  CertificateIssuerDistinguishedName: one(text),
  CertificateIssuerAlternativeName: many(text),
});
export type CertificateIssuer = Infer<typeof CertificateIssuer>;

/** KMIP 2.1 §4.62, 1.4 §3.10. */
export const X_509CertificateIdentifier = struct({
  IssuerDistinguishedName: one(bytes),
  CertificateSerialNumber: one(bytes),
});
export type X_509CertificateIdentifier = Infer<typeof X_509CertificateIdentifier>;

/** KMIP 2.1 §4.64, 1.4 §3.11. */
export const X_509CertificateSubject = struct({
  SubjectDistinguishedName: maybe(bytes),
  SubjectAlternativeName: many(bytes),
});
export type X_509CertificateSubject = Infer<typeof X_509CertificateSubject>;

/** KMIP 2.1 §4.63, 1.4 §3.12. */
export const X_509CertificateIssuer = struct({
  IssuerDistinguishedName: one(bytes),
  IssuerAlternativeName: many(bytes),
});
export type X_509CertificateIssuer = Infer<typeof X_509CertificateIssuer>;
