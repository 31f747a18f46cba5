import { webcrypto } from 'node:crypto';
import * as x509 from '../../certs/x509.ts';
import type { Attribute } from '../../codec/attribute.ts';
import type { NamingPolicy } from '../../src/common/certification-rules.ts';
import { Certify } from '../../src/operations/certificates/certify.ts';
import { having, succeed } from '../protocol/operations/ask.ts';
import {
  type Authority,
  attribute,
  authority,
  carrying,
  certificateOf,
  clientKeys,
  day,
  ecdsa,
  extracted,
  keptPair,
  linkTo,
  p256,
  readX509,
  requestOf,
  subordinate,
} from '../protocol/operations/certificates/authority.ts';
import { domainPolicy, type OpenedPolicies } from '../protocol/operations/certificates/policies.ts';
import type { TestService } from '../protocol/service.ts';

/** Chains of certificates below authorities of the server, good ones and such as are bad in one place. */

export interface Chain {
  readonly what: string;
  /** The end entity first, the root last, in DER. */
  readonly ders: readonly Uint8Array[];
  /** POSIX seconds. */
  readonly at: number;
  readonly isGood: boolean;
}

const curve = (RecommendedCurve: 'P_384' | 'P_521'): readonly Attribute[] => [
  attribute('CryptographicAlgorithm', 'ECDSA'),
  attribute('CryptographicDomainParameters', { RecommendedCurve }),
];
export const authorityKeys: Readonly<Record<string, readonly Attribute[]>> = {
  'P-256': p256,
  'P-384': curve('P_384'),
  'P-521': curve('P_521'),
  Ed25519: [attribute('CryptographicAlgorithm', 'Ed25519')],
  RSA: [attribute('CryptographicAlgorithm', 'RSA'), attribute('CryptographicLength', 2048)],
};

const names = (type: 'dns' | 'email', value: string) =>
  new x509.SubjectAlternativeNameExtension([{ type, value }]);
const contents: Readonly<Record<string, x509.Extension[]>> = {
  'a subject': [],
  'a host': [names('dns', 'a.kmip.example')],
  'an e-mail address': [names('email', 'a@kmip.example')],
  'a server': [new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1'])],
};

/** The certificate with one bit of the byte at `offset` changed. */
function flipped(der: Uint8Array, offset: number): Uint8Array {
  const changed = new Uint8Array(der);
  const at = offset < 0 ? changed.length + offset : offset;
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}

const replaced = (ders: readonly Uint8Array[], at: number, der: Uint8Array) => ders.with(at, der);

/** Makes a chain bad in one place; undefined where it has no such place. */
type Damage = (chain: Chain, twin: readonly Uint8Array[]) => Partial<Chain> | undefined;
export const damages: Readonly<Record<string, Damage>> = {
  'the signature of the end entity': ({ ders }) => ({
    ders: replaced(ders, 0, flipped(ders[0] as Uint8Array, -1)),
  }),
  'the content of the end entity': ({ ders }) => ({
    ders: replaced(ders, 0, flipped(ders[0] as Uint8Array, 24)),
  }),
  'the signature of an authority': ({ ders }) =>
    ders.length > 2 ? { ders: replaced(ders, 1, flipped(ders[1] as Uint8Array, -1)) } : undefined,
  'before its time': ({ at }) => ({ at: at - 3 * day }),
  'after its time': ({ at }) => ({ at: at + 50 * day }),
  'another root of that name': ({ ders }, twin) => ({ ders: replaced(ders, -1, twin.at(-1) as Uint8Array) }),
  'an authority is missing': ({ ders }) => (ders.length > 2 ? { ders: ders.toSpliced(1, 1) } : undefined),
};

/** Certifies an end entity from a request; returns its certificate. */
async function certifyRequest(
  service: TestService,
  issuer: Authority,
  extensions: x509.Extension[],
  at: number,
): Promise<Uint8Array> {
  const { der } = await requestOf({ subject: 'CN=an end', extensions });
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Certify, {
    ...carrying('2.1', der),
    Attributes: having(linkTo(issuer.certificate), attribute('DeactivationDate', at + 30 * day)),
  });
  return certificateOf(service, id);
}

/** A hierarchy of three authorities with end entities below each. */
export async function* issued(service: TestService, at: number): AsyncGenerator<Chain> {
  for (const [kind, key] of Object.entries(authorityKeys)) {
    const root = await authority(service, `Root ${kind}`, key);
    const middle = await subordinate(service, root, `Middle ${kind}`);
    const lower = await subordinate(service, middle, `Lower ${kind}`);
    const paths = [[root], [middle, root], [lower, middle, root]];
    for (const path of paths)
      for (const [what, extensions] of Object.entries(contents)) {
        const leaf = await certifyRequest(service, path[0] as Authority, extensions, at);
        const ders = [leaf, ...path.map((each) => each.der)];
        yield { what: `${kind}, ${ders.length} certificates, ${what}`, ders, at: at + 2 * day, isGood: true };
      }
  }
}

const nothing: NamingPolicy = {
  ...domainPolicy,
  domains: [],
  alternativeNames: ['dns', 'ip', 'email', 'uri'],
};
/** Policies, with the alternative names that they allow. */
const policies: readonly (readonly [Partial<NamingPolicy>, ...x509.JsonGeneralNames])[] = [
  [{}],
  [{ domains: ['kmip.example'] }, { type: 'dns', value: 'a.kmip.example' }],
  [{ domains: ['kmip.example'] }, { type: 'email', value: 'a@kmip.example' }],
  [{ domains: ['kmip.example'] }, { type: 'email', value: 'a@b.kmip.example' }],
  [{ domains: ['kmip.example'] }, { type: 'url', value: 'https://b.kmip.example/' }],
  [{ hosts: ['b.example'] }, { type: 'dns', value: 'b.example' }],
  [{ networks: ['10.1.0.0/16'] }, { type: 'ip', value: '10.1.2.3' }],
  [{ networks: ['2001:db8::/32'] }, { type: 'ip', value: '2001:db8::1' }],
  [
    { domains: ['kmip.example'], networks: ['10.1.0.0/16', '2001:db8::/32'] },
    { type: 'dns', value: 'a.kmip.example' },
    { type: 'ip', value: '10.1.2.3' },
    { type: 'ip', value: '2001:db8::1' },
  ],
  [
    { alternativeNames: ['dns'], domains: ['kmip.example'] },
    { type: 'dns', value: 'kmip.example' },
  ],
];

/** End entities below two authorities that a naming policy of the operator limits by Name Constraints. */
export async function* limited({ service, authorities }: OpenedPolicies, at: number): AsyncGenerator<Chain> {
  for (const [index, [policy, ...allowed]] of policies.entries()) {
    const root = await authority(service, `Limited ${index}`);
    authorities.set(root.certificate, { ...nothing, ...policy });
    const middle = await subordinate(service, root, `Limited middle ${index}`, keptPair);
    const lower = await subordinate(service, middle, `Limited lower ${index}`, keptPair);
    // GnuTLS takes the Common Name of servers, and of certificates for any use, for a host.
    const forClients = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2']);
    const alternative = allowed.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(allowed)];
    const extensions = [forClients, ...alternative];
    for (const path of [
      [middle, root],
      [lower, middle, root],
    ]) {
      const leaf = await certifyRequest(service, path[0] as Authority, extensions, at);
      const ders = [leaf, ...path.map(({ der }) => der)];
      const what = `${JSON.stringify([policy, allowed])}, ${ders.length} certificates`;
      yield { what, ders, at: at + 2 * day, isGood: true };
    }
  }
}

interface Draft {
  readonly extensions?: readonly x509.Extension[];
  readonly isAuthority?: boolean;
  readonly hash?: string;
  readonly publicKey?: webcrypto.CryptoKey;
  /** Days from `at` to its begin and its end. */
  readonly days?: readonly [from: number, until: number];
}
interface Signer {
  readonly subject: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly der: Uint8Array;
}

/** Issues a certificate outside the server that is right but for what the draft says. */
async function issue(subject: string, issuer: Signer, at: number, draft: Draft = {}): Promise<Signer> {
  const { isAuthority = false, extensions, hash = 'SHA-256', days: [from, until] = [0, 30] } = draft;
  const own = await clientKeys();
  const publicKey = draft.publicKey ?? own.publicKey;
  const usages = isAuthority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature;
  const usual = [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.KeyUsagesExtension(usages, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
  ];
  const stated = extensions ?? [];
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: webcrypto.getRandomValues(new Uint8Array(8)).with(0, 0x41).toHex(),
      subject,
      issuer: issuer.subject,
      notBefore: new Date((at + from * day) * 1000),
      notAfter: new Date((at + until * day) * 1000),
      publicKey,
      signingKey: issuer.keys.privateKey,
      signingAlgorithm: { ...ecdsa, hash },
      extensions: [...usual.filter(({ type }) => stated.every((each) => each.type !== type)), ...stated],
    },
    webcrypto as Crypto,
  );
  return { subject, keys: own, der: new Uint8Array(made.rawData) };
}

const permitted = new x509.Extension(
  '2.5.29.30',
  true,
  Uint8Array.fromHex('3012a010300e820c6b6d69702e6578616d706c65'), // only below kmip.example
);

/** What is wrong, if anything, and the certificates from the one below the root on. */
async function makeCases(): Promise<[what: string, isGood: boolean, ...drafts: Draft[]][]> {
  const ca = (length?: number) => new x509.BasicConstraintsExtension(true, length, true);
  const none = new x509.BasicConstraintsExtension(false, undefined, true);
  const weak = (await webcrypto.subtle.generateKey(
    {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: Uint8Array.of(1, 0, 1),
      hash: 'SHA-256',
    },
    true,
    ['sign', 'verify'],
  )) as webcrypto.CryptoKeyPair;
  const unknown = new x509.Extension('1.2.3.4.5.6', true, Uint8Array.of(5, 0));
  const host = (value: string) => [names('dns', value)];
  return [
    ['nothing', true, { isAuthority: true }, {}],
    ['nothing at path length 0', true, { isAuthority: true, extensions: [ca(0)] }, {}],
    [
      'an authority beyond a path length of 0',
      false,
      { isAuthority: true, extensions: [ca(0)] },
      { isAuthority: true },
      {},
    ],
    [
      'an authority within a path length of 1',
      true,
      { isAuthority: true, extensions: [ca(1)] },
      { isAuthority: true },
      {},
    ],
    ['an end entity that issues', false, {}, {}],
    [
      'an authority that is none',
      false,
      { isAuthority: true, extensions: [none, new x509.KeyUsagesExtension(1, true)] },
      {},
    ],
    [
      'an authority without keyCertSign',
      false,
      { isAuthority: true, extensions: [new x509.KeyUsagesExtension(64, true)] },
      {},
    ],
    [
      'a name within constraints',
      true,
      { isAuthority: true, extensions: [permitted] },
      { extensions: host('a.kmip.example') },
    ],
    [
      'a name beyond constraints',
      false,
      { isAuthority: true, extensions: [permitted] },
      { extensions: host('a.other.example') },
    ],
    ['an end entity whose time is over', false, { isAuthority: true }, { days: [0, 1] }],
    ['an end entity whose time has not come', false, { isAuthority: true }, { days: [9, 30] }],
    ['an authority whose time is over', false, { isAuthority: true, days: [0, 1] }, {}],
    ['SHA-1', false, { isAuthority: true }, { hash: 'SHA-1' }],
    ['a key of 1,024 bits', false, { isAuthority: true }, { publicKey: weak.publicKey }],
    ['an unknown critical extension', false, { isAuthority: true }, { extensions: [unknown] }],
  ];
}

/** Chains below a root of the server that other programs signed with its key, each wrong in one extension. */
export async function* signedOutside(service: TestService, at: number): AsyncGenerator<Chain> {
  const made = await authority(service, 'Outer', p256);
  const root: Signer = {
    subject: readX509(made.der).subject,
    keys: await extracted(service, made),
    der: made.der,
  };
  for (const [what, isGood, ...drafts] of await makeCases()) {
    const chain = [root];
    for (const [depth, draft] of drafts.entries())
      chain.unshift(await issue(`CN=Level ${depth}`, chain[0] as Signer, at, draft));
    yield { what, ders: chain.map(({ der }) => der), at: at + 2 * day, isGood };
  }
}
