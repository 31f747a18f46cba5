import { BlockList, isIP } from 'node:net';
import type { AlternativeNameKind, NamingPolicy } from '../../common/certification-rules.ts';
import { normalizeHost } from '../../common/host-name.ts';
import { type DerNode, InvalidDerError, parseDer, readOid, readPrimitive } from '../asn1/der.ts';
import { readNameParts } from '../asn1/distinguished-name.ts';
import type { CertificateContent } from '../certification.ts';
import { InvalidNameError } from '../errors.ts';

/*
 * The operator's policies for names. A name that a policy does not mention is refused. The texts that are
 * answered name kinds of names only, never the policy.
 */

type Names = Pick<CertificateContent, 'subject' | 'alternativeNames' | 'authority'>;

const latin1 = new TextDecoder('latin1');

/**
 * Returns why the policies of the authorities above a certificate do not allow its names; undefined when all
 * of them do. Without a policy only an otherName is refused, because the server cannot judge its value.
 * @throws {InvalidNameError} when a name is not DER
 */
export function findNamingProblem(content: Names, policies: readonly NamingPolicy[]): string | undefined {
  try {
    const names = content.alternativeNames.map((name) => parseDer(name));
    if (policies.length === 0 && names.some(({ idBlock }) => idBlock.tagNumber === otherName))
      return 'an otherName is allowed by the naming policy of an authority only';
    return policies
      .map(
        (policy) =>
          names.map((name) => findNameProblem(name, policy)).find((problem) => problem !== undefined) ??
          findSubjectProblem(content, policy),
      )
      .find((problem) => problem !== undefined);
  } catch (error) {
    if (error instanceof InvalidDerError) throw new InvalidNameError('a name is not DER');
    throw error;
  }
}

/** Tag of otherName in GeneralName (RFC 5280 §4.2.1.6). */
const otherName = 0;

/** Kinds of GeneralName that a policy judges, by tag. */
const kinds: Readonly<Partial<Record<number, AlternativeNameKind>>> = {
  1: 'email',
  2: 'dns',
  4: 'directory',
  6: 'uri',
  7: 'ip',
};

/** Whether a policy allows a name of that kind. */
const rules: Readonly<Record<AlternativeNameKind, (name: DerNode, policy: NamingPolicy) => boolean>> = {
  dns: (name, policy) => isAllowedHost(readText(name), policy),
  email: (name, policy) => isAllowedMailbox(readText(name), policy),
  uri(name, policy) {
    // No user information and no backslash, which programs read in two ways.
    const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@\\]+)(?:[/?#]|$)/i.exec(readText(name))?.[1];
    const host = authority?.replace(/:\d*$/, '');
    return host !== undefined && isAllowedHostOrAddress(host.replace(/^\[(.*)\]$/, '$1'), policy);
  },
  ip: (name, policy) => isAllowedAddress(formatIp(readPrimitive(name)), policy),
  // The kind itself has to be stated, so that the operator allows names of any directory.
  directory: () => true,
};

function findNameProblem(name: DerNode, policy: NamingPolicy): string | undefined {
  const { tagNumber } = name.idBlock;
  if (tagNumber === otherName) {
    const { value } = name.valueBlock as { readonly value?: readonly DerNode[] };
    return policy.otherNames.includes(readOid(value?.[0]))
      ? undefined
      : 'the naming policy does not allow an otherName of that type';
  }
  const kind = kinds[tagNumber];
  if (kind === undefined || !policy.alternativeNames.includes(kind))
    return 'the naming policy does not allow an alternative name of that kind';
  return rules[kind](name, policy)
    ? undefined
    : `an alternative name of the kind "${kind}" is outside the naming policy of an authority`;
}

const commonNameOid = '2.5.4.3';
const emailAddressOid = '1.2.840.113549.1.9.1';

/**
 * Programs take the Common Name for a host name, and the e-mail address of the subject for one of the
 * alternative names, so both are judged as such.
 */
function findSubjectProblem({ subject, authority }: Names, policy: NamingPolicy): string | undefined {
  const parts = readNameParts(parseDer(subject)).flat();
  for (const { oid, text = '' } of parts) {
    if (oid === emailAddressOid && !isAllowedMailbox(text.trim(), policy))
      return 'the e-mail address of the subject is outside the naming policy of an authority';
    if (oid === commonNameOid && !isAllowedCommonName(text.trim(), authority, policy))
      return 'the Common Name is outside the naming policy of an authority';
  }
  return undefined;
}

/** Characters of host names, addresses and wildcards after NFKC; U+3002 is a dot of IDNA (RFC 3490 §3.1). */
const hostCharacters = /[.:*\u3002]/u;

/**
 * Programs normalise names in different ways, so that texts are judged by their compatibility form. A text
 * with a space is no host name, one without may be that of a host in the local domain or an address as one
 * number. No other white space counts: programs may drop it.
 */
function isAllowedCommonName(stated: string, authority: boolean, policy: NamingPolicy): boolean {
  const text = stated.normalize('NFKC');
  if (text.includes('@')) return isAllowedMailbox(text, policy);
  // A name of an authority need not be a host name, but must not be one of others.
  const isChecked = authority
    ? !stated.includes(' ') && hostCharacters.test(text)
    : !stated.includes(' ') || policy.commonName === 'hosts';
  return !isChecked || isAllowedHostOrAddress(text, policy);
}

function isAllowedMailbox(text: string, policy: NamingPolicy): boolean {
  const [local, host, ...more] = text.split('@');
  return Boolean(local) && host !== undefined && more.length === 0 && isAllowedHost(host, policy);
}

function isAllowedHostOrAddress(text: string, policy: NamingPolicy): boolean {
  return isIP(text) === 0 ? isAllowedHost(text, policy) : isAllowedAddress(text, policy);
}

function isAllowedHost(text: string, { domains, hosts }: NamingPolicy): boolean {
  const host = normalizeHost(text);
  if (host === undefined) return false;
  if (hosts.includes(host)) return true;
  return !host.includes('*') && domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}

function isAllowedAddress(text: string, policy: NamingPolicy): boolean {
  return networksOf(policy).check(text, familyOf(text));
}

/** Networks as they are searched: a certificate may have thousands of addresses. */
const searchable = new WeakMap<NamingPolicy, BlockList>();

function networksOf(policy: NamingPolicy): BlockList {
  const known = searchable.get(policy);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const network of policy.networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  searchable.set(policy, list);
  return list;
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  return (octets.toHex().match(/.{4}/g) ?? []).join(':');
}

function readText(name: DerNode): string {
  return latin1.decode(readPrimitive(name));
}
