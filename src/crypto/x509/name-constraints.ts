import * as asn1 from 'asn1js';
import { explicit, InvalidDerError, items, type Node, octetsOf, parse, tagged } from '../asn1/der.ts';
import { nameParts } from '../asn1/distinguished-name.ts';
import type { CertificateContent, ValidationResult } from '../certification.ts';
import { comparableParts } from './certificate-names.ts';

/** Names that an authority may speak for (RFC 5280 §4.2.1.10): those in some permitted subtree and in no excluded one. */

/** Kinds of GeneralName by their tag; the kinds without a rule (other names, X.400, EDI, identifiers) are not judged. */
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

/** Whether the names of a certificate keep to the constraints, an extension's value in DER, of an authority above it. */
export function withinConstraints(
  constraints: Uint8Array,
  content: Pick<CertificateContent, 'subject' | 'alternativeNames'>,
): ValidationResult {
  const fields = items(parse(constraints));
  const permitted = subtrees(tagged(fields, 0));
  const excluded = subtrees(tagged(fields, 1));
  // An extension without constraints is none of RFC 5280.
  if (permitted.length + excluded.length === 0) return 'Unknown';
  const names = namesOf(content);
  const verdicts = names.map((name): ValidationResult => {
    const ofKind = (subtree: Subtree) => subtree.base.idBlock.tagNumber === name.idBlock.tagNumber;
    const allowed = permitted.filter(ofKind);
    const forbidden = excluded.filter(ofKind);
    if (allowed.length + forbidden.length === 0) return 'Valid';
    const kind = kinds[name.idBlock.tagNumber];
    if (kind === undefined || [...allowed, ...forbidden].some(({ plain }) => !plain)) return 'Unknown';
    if (kind === 'uri' && hostOf(name) === undefined) return 'Invalid';
    const contains = ({ base }: Subtree) => rules[kind](name, base);
    const covers = (subtree: Subtree) =>
      contains(subtree) || (kind === 'dns' && standsFor(name, subtree.base));
    return forbidden.some(covers) || (allowed.length > 0 && !allowed.some(contains)) ? 'Invalid' : 'Valid';
  });
  return (['Invalid', 'Unknown'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'Valid';
}

/**
 * What the comparison costs at most, in characters looked at: every name is compared with every subtree, of which there is
 * one in eight bytes or so.
 */
export function comparisonCost(
  constraints: Uint8Array,
  { subject, alternativeNames }: Pick<CertificateContent, 'subject' | 'alternativeNames'>,
): number {
  const names = alternativeNames.reduce((sum, { length }) => sum + length, subject.length);
  return (names * constraints.length) / 8;
}

interface Subtree {
  readonly base: Node;
  /** Of any depth: RFC 5280 has no other minimum than 0, and no maximum. */
  readonly plain: boolean;
}

function subtrees(field: Node | undefined): Subtree[] {
  if (field === undefined) return [];
  if (!(field instanceof asn1.Constructed)) throw new InvalidDerError('subtrees are missing');
  return field.valueBlock.value.map((subtree) => {
    const [base, ...bounds] = items(subtree);
    if (base === undefined) throw new InvalidDerError('the base of a subtree is missing');
    return { base, plain: bounds.length === 0 };
  });
}

/** Alternative names and the subject; its e-mail address where no alternative name is one (§6.1.3 b). */
function namesOf({
  subject,
  alternativeNames,
}: Pick<CertificateContent, 'subject' | 'alternativeNames'>): Node[] {
  const names = alternativeNames.map(parse);
  const name = parse(subject);
  const parts = nameParts(name).flat();
  if (parts.length > 0) names.push(new asn1.Constructed({ idBlock: tag(4), value: [name] }));
  if (names.every(({ idBlock }) => idBlock.tagNumber !== 1)) {
    for (const { oid, text = '' } of parts) {
      if (oid === emailAddress)
        names.push(new asn1.Primitive({ idBlock: tag(1), valueHex: latin1Bytes(text) }));
    }
  }
  return names;
}

const tag = (tagNumber: number) => ({ tagClass: 3, tagNumber });
const latin1Bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);

/** Whether a name lies in the subtree of that base. */
const rules: Readonly<Record<Kind, (name: Node, base: Node) => boolean>> = {
  email(name, base) {
    const [mailbox, limit] = [textOf(name), textOf(base)];
    const host = mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase();
    const at = limit.lastIndexOf('@');
    if (at < 0) return hostWithin(host, limit.toLowerCase());
    return (
      host === limit.slice(at + 1).toLowerCase() && mailbox.slice(0, -host.length) === limit.slice(0, at + 1)
    );
  },
  dns(name, base) {
    const [host, limit] = [dnsOf(name), dnsOf(base)];
    // A dot in front is in no RFC, but in many certificates: then the host itself is not meant.
    if (limit === '' || limit.startsWith('.')) return host.endsWith(limit);
    return host === limit || host.endsWith(`.${limit}`);
  },
  uri: (name, base) => hostWithin(hostOf(name) ?? '', textOf(base).toLowerCase()),
  address(name, base) {
    const [address, limit] = [octetsOf(name), octetsOf(base)];
    return (
      limit.length === address.length * 2 &&
      address.every((octet, at) => ((octet ^ (limit[at] ?? 0)) & (limit[at + address.length] ?? 0)) === 0)
    );
  },
  directory(name, base) {
    const [own, limit] = [comparableParts(explicit(name)), comparableParts(explicit(base))];
    return limit.every((part, at) => own[at] === part);
  },
};

/** A wildcard for hosts of which some are in the subtree. */
function standsFor(name: Node, base: Node): boolean {
  const [host, limit] = [dnsOf(name), dnsOf(base)];
  return host.startsWith('*.') && limit.endsWith(host.slice(1));
}

/** A host is meant alone, a domain with a dot in front without itself. */
function hostWithin(host: string, limit: string): boolean {
  return limit.startsWith('.') ? host.endsWith(limit) && host !== limit : host === limit;
}

/** Host of a URI in small letters; undefined when there is none or it is an address, which no constraint can be about. */
function hostOf(name: Node): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(textOf(name))?.[1];
  const host = authority
    ?.slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  return host === undefined || host === '' || /^\[|^[\d.]+$/.test(host) ? undefined : host;
}

/** In small letters and without the dot of the root. */
function dnsOf(name: Node): string {
  return textOf(name).toLowerCase().replace(/\.$/, '');
}

function textOf(name: Node): string {
  return latin1.decode(octetsOf(name));
}
