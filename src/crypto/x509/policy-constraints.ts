import * as asn1 from 'asn1js';
import type { AlternativeNameKind, NamingPolicy } from '../../common/certification-rules.ts';
import {
  type DerNode,
  encodeDer,
  makeImplicitOctets,
  makeSequence,
  parseDer,
  readPrimitive,
} from '../asn1/der.ts';

/* Naming policies as Name Constraints (RFC 5280 §4.2.1.10), for whoever verifies without this server. */

/** A domain that no host is in (RFC 6761 §6.4): a kind with this subtree alone is permitted nowhere. */
const noDomain = 'invalid';

/** Tags of GeneralName. */
const tags = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

/**
 * Returns the Name Constraints that permit what all the policies allow, the value of the extension in DER.
 * They are wider where constraints have no such form: hosts include the names below them, wildcards those of
 * their domain, and Common Names, directory names and the kinds of otherName are not limited.
 */
export async function encodeNameConstraints(policies: readonly NamingPolicy[]): Promise<Uint8Array> {
  const has = (kind: AlternativeNameKind) =>
    policies.every(({ alternativeNames }) => alternativeNames.includes(kind));
  const hosts = policies
    .map(({ domains, hosts: exact }) => [...domains, ...exact.map((host) => host.replace(/^\*\./, ''))])
    .reduce((all, each) => intersect(all, each, isBelow));
  const networks = (await Promise.all(policies.map(readNetworks))).reduce((all, each) =>
    intersect(all, each, isInside),
  );
  const permittedNetworks = has('ip') ? networks : [];
  // The subtree of a host in e-mail and URI is that host, with a leading dot those below it.
  const withBelow = hosts.flatMap((host) => [host, `.${host}`]);
  const permitted = [
    ...listOf(tags.dns, has('dns') ? hosts : []),
    ...listOf(tags.email, has('email') ? withBelow : []),
    ...listOf(tags.uri, has('uri') ? withBelow : []),
    ...permittedNetworks.map((network) => makeImplicitOctets(tags.ip, network)),
  ];
  const excluded = [8, 32]
    .filter((length) => permittedNetworks.every((network) => network.length !== length))
    .map((length) => makeImplicitOctets(tags.ip, new Uint8Array(length)));
  return encodeDer(
    makeSequence(
      ...[permitted, excluded].flatMap((names, at) => (names.length === 0 ? [] : subtrees(at, names))),
    ),
  );
}

function listOf(tag: number, texts: readonly string[]): DerNode[] {
  const list = texts.length === 0 ? [noDomain] : texts;
  return list.map((text) => makeImplicitOctets(tag, new TextEncoder().encode(text)));
}

function subtrees(tagNumber: number, names: readonly DerNode[]): DerNode[] {
  const value = names.map((name) => makeSequence(name));
  return [new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber }, value })];
}

/** Of every two entries that overlap, one is inside the other: the narrower one is in both lists, once. */
function intersect<T>(one: readonly T[], other: readonly T[], isWithin: (a: T, b: T) => boolean): T[] {
  const within = (list: readonly T[], limits: readonly T[]) =>
    list.filter((entry) => limits.some((limit) => isWithin(entry, limit)));
  const narrower = [...within(one, other), ...within(other, one)];
  return [...new Map(narrower.map((entry) => [String(entry), entry])).values()];
}

const isBelow = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);

/** Networks as address and mask. */
async function readNetworks({ networks }: NamingPolicy): Promise<readonly Uint8Array[]> {
  const x509 = await import('../../../certs/x509.ts');
  return networks.map((network) => {
    const [address = '', bits] = network.split('/');
    const octets = readPrimitive(parseDer(new Uint8Array(new x509.GeneralName('ip', address).rawData)));
    const mask = octets.map((_, at) => 256 - 2 ** (8 - Math.min(8, Math.max(0, Number(bits) - at * 8))));
    return Uint8Array.from([...octets.map((octet, at) => octet & (mask[at] ?? 0)), ...mask]);
  });
}

function isInside(network: Uint8Array, limit: Uint8Array): boolean {
  const half = limit.length / 2;
  return (
    network.length === limit.length &&
    limit.every((octet, at) =>
      at < half
        ? ((network[at] ?? 0) & (limit[at + half] ?? 0)) === octet
        : ((network[at] ?? 0) & octet) === octet,
    )
  );
}
