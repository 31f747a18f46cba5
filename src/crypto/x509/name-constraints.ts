import * as asn1 from 'asn1js';
import {
  type DerNode,
  findTagged,
  InvalidDerError,
  parseDer,
  readExplicit,
  readPrimitive,
  readSequence,
} from '../asn1/der.ts';
import { readNameParts } from '../asn1/distinguished-name.ts';
import type { CertificateContent, ValidationResult } from '../certification.ts';
import { readComparableParts } from './certificate-names.ts';

/*
 * Names that an authority may certify (RFC 5280 §4.2.1.10): those in some permitted subtree and in no
 * excluded one.
 */

/**
 * Kinds of GeneralName with a rule, by tag; other names, X.400, EDI and identifiers have none and yield
 * Unknown.
 */
type Kind = 'email' | 'dns' | 'directory' | 'uri' | 'address';
const kinds: Readonly<Partial<Record<number, Kind>>> = {
  1: 'email',
  2: 'dns',
  4: 'directory',
  6: 'uri',
  7: 'address',
};

const latin1 = new TextDecoder('latin1');
const emailAddress = '1.2.840.113549.1.9.1';

/**
 * Validates the names of a certificate against the Name Constraints of an authority above it, the extension's
 * value in DER.
 * @throws {InvalidDerError} when constraints or names are not DER
 */
export function validateNames(
  constraints: Uint8Array,
  content: Pick<CertificateContent, 'subject' | 'alternativeNames'>,
): ValidationResult {
  const fields = readSequence(parseDer(constraints));
  const permitted = readSubtrees(findTagged(fields, 0));
  const excluded = readSubtrees(findTagged(fields, 1));
  // RFC 5280 forbids an extension without constraints.
  if (permitted.length + excluded.length === 0) return 'Unknown';
  const names = listNames(content);
  const results = names.map((name): ValidationResult => {
    const ofKind = (subtree: Subtree) => subtree.base.idBlock.tagNumber === name.idBlock.tagNumber;
    const allowed = permitted.filter(ofKind);
    const forbidden = excluded.filter(ofKind);
    if (allowed.length + forbidden.length === 0) return 'Valid';
    const kind = kinds[name.idBlock.tagNumber];
    if (kind === undefined || [...allowed, ...forbidden].some(({ isUnbounded }) => !isUnbounded))
      return 'Unknown';
    if (kind === 'uri' && readHost(name) === undefined) return 'Invalid';
    const contains = ({ base }: Subtree) => rules[kind](name, base);
    const covers = (subtree: Subtree) =>
      contains(subtree) || (kind === 'dns' && isWildcardFor(name, subtree.base));
    return forbidden.some(covers) || (allowed.length > 0 && !allowed.some(contains)) ? 'Invalid' : 'Valid';
  });
  return (['Invalid', 'Unknown'] as const).find((result) => results.includes(result)) ?? 'Valid';
}

/**
 * Estimates the maximum cost of `validateNames` in compared characters: every name is compared with every
 * subtree, and a subtree takes some eight bytes.
 */
export function estimateComparisonCost(
  constraints: Uint8Array,
  { subject, alternativeNames }: Pick<CertificateContent, 'subject' | 'alternativeNames'>,
): number {
  const names = alternativeNames.reduce((sum, { length }) => sum + length, subject.length);
  return (names * constraints.length) / 8;
}

interface Subtree {
  readonly base: DerNode;
  /** Whether the subtree has any depth: RFC 5280 allows no other minimum than 0, and no maximum. */
  readonly isUnbounded: boolean;
}

function readSubtrees(field: DerNode | undefined): Subtree[] {
  if (field === undefined) return [];
  if (!(field instanceof asn1.Constructed)) throw new InvalidDerError('subtrees are missing');
  return field.valueBlock.value.map((subtree) => {
    const [base, ...bounds] = readSequence(subtree);
    if (base === undefined) throw new InvalidDerError('the base of a subtree is missing');
    return { base, isUnbounded: bounds.length === 0 };
  });
}

/**
 * Lists alternative names and the subject; the subject's e-mail address where no alternative name is one
 * (§6.1.3 b).
 */
function listNames({
  subject,
  alternativeNames,
}: Pick<CertificateContent, 'subject' | 'alternativeNames'>): DerNode[] {
  const names = alternativeNames.map(parseDer);
  const name = parseDer(subject);
  const parts = readNameParts(name).flat();
  if (parts.length > 0) names.push(new asn1.Constructed({ idBlock: contextTag(4), value: [name] }));
  if (names.every(({ idBlock }) => idBlock.tagNumber !== 1)) {
    for (const { oid, text = '' } of parts) {
      if (oid === emailAddress)
        names.push(new asn1.Primitive({ idBlock: contextTag(1), valueHex: latin1Bytes(text) }));
    }
  }
  return names;
}

const contextTag = (tagNumber: number) => ({ tagClass: 3, tagNumber });
const latin1Bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);

/** Tests by kind whether a name lies in the subtree of a base. */
const rules: Readonly<Record<Kind, (name: DerNode, base: DerNode) => boolean>> = {
  email(name, base) {
    const [mailbox, limit] = [readLatin1(name), readLatin1(base)];
    const host = mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase();
    const at = limit.lastIndexOf('@');
    if (at < 0) return isHostWithin(host, limit.toLowerCase());
    return (
      host === limit.slice(at + 1).toLowerCase() && mailbox.slice(0, -host.length) === limit.slice(0, at + 1)
    );
  },
  dns(name, base) {
    const [host, limit] = [readDnsName(name), readDnsName(base)];
    // A leading dot is in no RFC, but in many certificates: it excludes the host itself.
    if (limit === '' || limit.startsWith('.')) return host.endsWith(limit);
    return host === limit || host.endsWith(`.${limit}`);
  },
  uri: (name, base) => isHostWithin(readHost(name) ?? '', readLatin1(base).toLowerCase()),
  address(name, base) {
    const [address, limit] = [readPrimitive(name), readPrimitive(base)];
    return (
      limit.length === address.length * 2 &&
      address.every((octet, at) => ((octet ^ (limit[at] ?? 0)) & (limit[at + address.length] ?? 0)) === 0)
    );
  },
  directory(name, base) {
    const [own, limit] = [readComparableParts(readExplicit(name)), readComparableParts(readExplicit(base))];
    return limit.every((part, at) => own[at] === part);
  },
};

/** Tells whether some hosts of a wildcard are in the subtree. */
function isWildcardFor(name: DerNode, base: DerNode): boolean {
  const [host, limit] = [readDnsName(name), readDnsName(base)];
  return host.startsWith('*.') && limit.endsWith(host.slice(1));
}

/** A limit without a leading dot is one host; with a leading dot it is all hosts below that domain. */
function isHostWithin(host: string, limit: string): boolean {
  return limit.startsWith('.') ? host.endsWith(limit) && host !== limit : host === limit;
}

/**
 * Reads the host of a URI in lower case; undefined without a host, or for an address, which constraints
 * cannot express.
 */
function readHost(name: DerNode): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(readLatin1(name))?.[1];
  const host = authority
    ?.slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  return host === undefined || host === '' || /^\[|^[\d.]+$/.test(host) ? undefined : host;
}

/** Reads a host name in lower case, without the dot of the root. */
function readDnsName(name: DerNode): string {
  return readLatin1(name).toLowerCase().replace(/\.$/, '');
}

function readLatin1(name: DerNode): string {
  return latin1.decode(readPrimitive(name));
}
