import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as asn1 from 'asn1js';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { ca, day, type Link, made, now } from './chains.ts';

/**
 * Name constraints (RFC 5280 §4.2.1.10), each case judged here and by `openssl verify` where there is one.
 */

const { certification } = nodeCrypto;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

type Name = readonly [kind: 'dns' | 'email' | 'url' | 'dn' | 'ip' | 'id', value: string];

const node = (der: ArrayBuffer) => asn1.fromBER(der).result;
const tagged = (tagNumber: number, value: asn1.AsnType[]) =>
  new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber }, value });

/** Base of a subtree: addresses have a mask, the others look like names. */
function base([kind, value]: Name): asn1.AsnType {
  if (kind === 'ip') {
    const octets = Uint8Array.fromHex(value);
    return new asn1.Primitive({ idBlock: { tagClass: 3, tagNumber: 7 }, valueHex: octets });
  }
  return node(new x509.GeneralName(kind as 'dns', value).rawData);
}

function constraints(permitted: readonly Name[], excluded: readonly Name[], critical = true): x509.Extension {
  const subtrees = (names: readonly Name[]) =>
    names.map((name) => new asn1.Sequence({ value: [base(name)] }));
  const fields = [permitted, excluded].flatMap((names, at) =>
    names.length === 0 ? [] : [tagged(at, subtrees(names))],
  );
  return new x509.Extension('2.5.29.30', critical, new asn1.Sequence({ value: fields }).toBER());
}

const named = (...names: Name[]) =>
  names.length === 0
    ? []
    : [
        new x509.SubjectAlternativeNameExtension(
          names.map(([type, value]) => ({ type: type as 'dns', value })),
        ),
      ];

interface Row {
  readonly what: string;
  readonly permitted?: Name[];
  readonly excluded?: Name[];
  readonly subject?: string;
  readonly names?: Name[];
  readonly expected: 'Valid' | 'Invalid' | 'Unknown';
  /** Where openssl is of another mind. */
  readonly openssl?: 'Valid' | 'Invalid';
}

const rows: readonly Row[] = [
  {
    what: 'host itself',
    permitted: [['dns', 'example.com']],
    names: [['dns', 'example.com']],
    expected: 'Valid',
  },
  {
    what: 'host below',
    permitted: [['dns', 'example.com']],
    names: [['dns', 'a.B.Example.COM']],
    expected: 'Valid',
  },
  {
    what: 'host that ends alike',
    permitted: [['dns', 'example.com']],
    names: [['dns', 'badexample.com']],
    expected: 'Invalid',
  },
  {
    what: 'host elsewhere',
    permitted: [['dns', 'example.com']],
    names: [['dns', 'example.org']],
    expected: 'Invalid',
  },
  {
    what: 'one host of two elsewhere',
    permitted: [['dns', 'example.com']],
    names: [
      ['dns', 'example.com'],
      ['dns', 'x.org'],
    ],
    expected: 'Invalid',
  },
  {
    what: 'one subtree of two',
    permitted: [
      ['dns', 'example.com'],
      ['dns', 'example.org'],
    ],
    names: [['dns', 'x.example.org']],
    expected: 'Valid',
  },
  {
    what: 'host excluded',
    excluded: [['dns', 'example.com']],
    names: [['dns', 'x.example.com']],
    expected: 'Invalid',
  },
  {
    what: 'host not excluded',
    excluded: [['dns', 'example.com']],
    names: [['dns', 'example.org']],
    expected: 'Valid',
  },
  {
    what: 'excluded within what is permitted',
    permitted: [['dns', 'example.com']],
    excluded: [['dns', 'no.example.com']],
    names: [['dns', 'no.example.com']],
    expected: 'Invalid',
  },
  {
    what: 'wildcard below',
    permitted: [['dns', 'example.com']],
    names: [['dns', '*.example.com']],
    expected: 'Valid',
  },
  {
    what: 'wildcard over what is excluded',
    excluded: [['dns', 'no.example.com']],
    names: [['dns', '*.example.com']],
    expected: 'Invalid',
    openssl: 'Valid',
  },
  {
    what: 'no name of that kind',
    permitted: [['dns', 'example.com']],
    names: [['ip', '10.0.0.1']],
    expected: 'Valid',
  },
  {
    what: 'mail host',
    permitted: [['email', 'example.com']],
    names: [['email', 'me@Example.com']],
    expected: 'Valid',
  },
  {
    what: 'mail host below',
    permitted: [['email', 'example.com']],
    names: [['email', 'me@x.example.com']],
    expected: 'Invalid',
  },
  {
    what: 'mail domain',
    permitted: [['email', '.example.com']],
    names: [['email', 'me@x.example.com']],
    expected: 'Valid',
  },
  {
    what: 'mail domain, not itself',
    permitted: [['email', '.example.com']],
    names: [['email', 'me@example.com']],
    expected: 'Invalid',
  },
  {
    what: 'mailbox',
    permitted: [['email', 'me@example.com']],
    names: [['email', 'me@example.com']],
    expected: 'Valid',
  },
  {
    what: 'another mailbox',
    permitted: [['email', 'me@example.com']],
    names: [['email', 'you@example.com']],
    expected: 'Invalid',
  },
  {
    what: 'mail in the subject',
    permitted: [['email', 'example.com']],
    subject: 'CN=x, E=me@example.org',
    expected: 'Invalid',
  },
  {
    what: 'URI',
    permitted: [['url', 'example.com']],
    names: [['url', 'https://example.com:8443/x?y']],
    expected: 'Valid',
  },
  {
    what: 'URI below a host',
    permitted: [['url', 'example.com']],
    names: [['url', 'https://x.example.com/']],
    expected: 'Invalid',
  },
  {
    what: 'URI in a domain',
    permitted: [['url', '.example.com']],
    names: [['url', 'https://x.example.com/']],
    expected: 'Valid',
  },
  {
    what: 'URI of an address',
    permitted: [['url', '.example.com']],
    names: [['url', 'https://10.0.0.1/']],
    expected: 'Invalid',
  },
  {
    what: 'URI without a host',
    excluded: [['url', '.example.com']],
    names: [['url', 'urn:x:y']],
    expected: 'Invalid',
  },
  {
    what: 'address',
    permitted: [['ip', '0a000000ff000000']],
    names: [['ip', '10.1.2.3']],
    expected: 'Valid',
  },
  {
    what: 'address elsewhere',
    permitted: [['ip', '0a000000ff000000']],
    names: [['ip', '11.1.2.3']],
    expected: 'Invalid',
  },
  {
    what: 'address of six',
    permitted: [['ip', '20010db8000000000000000000000000ffffffff000000000000000000000000']],
    names: [['ip', '2001:db8::7']],
    expected: 'Valid',
  },
  {
    what: 'address of another family',
    permitted: [['ip', '0a000000ff000000']],
    names: [['ip', '2001:db8::7']],
    expected: 'Invalid',
  },
  {
    what: 'directory',
    permitted: [['dn', 'C=CH, O=Example']],
    subject: 'C=CH, O=EXAMPLE, CN=x',
    expected: 'Valid',
  },
  {
    what: 'directory, another order',
    permitted: [['dn', 'C=CH, O=Example']],
    subject: 'O=Example, C=CH, CN=x',
    expected: 'Invalid',
  },
  {
    what: 'directory elsewhere',
    permitted: [['dn', 'C=CH, O=Example']],
    subject: 'C=CH, O=Other, CN=x',
    expected: 'Invalid',
  },
  { what: 'directory excluded', excluded: [['dn', 'C=CH']], subject: 'C=CH, CN=x', expected: 'Invalid' },
  {
    what: 'a kind without a rule',
    permitted: [['id', '1.2.3']],
    names: [['id', '1.2.3.4']],
    expected: 'Unknown',
    openssl: 'Invalid',
  },
  {
    what: 'a kind without a rule, not in use',
    permitted: [['id', '1.2.3']],
    names: [['dns', 'x']],
    expected: 'Valid',
  },
];

const chain = (...links: Link[]) => links.map(({ der }) => der);

t.test('names are valid when they keep to the constraints', async (t) => {
  const folder = t.testdir();
  const root = await made('root', undefined, { extensions: [ca()] });
  for (const { what, permitted = [], excluded = [], subject = 'CN=x', names = [], ...wanted } of rows) {
    const issuer = await made('issuer', root, { extensions: [ca(), constraints(permitted, excluded)] });
    const leaf = await made('x', issuer, { subject, extensions: named(...names) });
    t.equal(await certification.validatePath(chain(leaf, issuer, root), now + day), wanted.expected, what);
    if (!hasOpenssl) continue;
    const file = (called: string, { der }: Link) => {
      writeFileSync(join(folder, called), new X509Certificate(der).toString());
      return join(folder, called);
    };
    const given = ['-CAfile', file('root', root), '-untrusted', file('issuer', issuer), file('leaf', leaf)];
    const said = spawnSync('openssl', ['verify', '-attime', String(now + day), ...given]);
    t.equal(said.status === 0 ? 'Valid' : 'Invalid', wanted.openssl ?? wanted.expected, `${what}: openssl`);
  }
  if (!hasOpenssl) t.comment('not compared with openssl, whose command line is not here');
});

t.test('constraints bind the certificates below their authority', async (t) => {
  const only = constraints([['dns', 'example.com']], []);
  const root = await made('root', undefined, { extensions: [ca()] });
  const issuer = await made('issuer', root, { extensions: [ca(), only] });
  const inner = await made('inner', issuer, { extensions: [ca(), ...named(['dns', 'x.org'])] });
  const casual = await made('casual', root, {
    extensions: [ca(), constraints([['dns', 'example.com']], [], false)],
  });
  const bound = await made('bound', undefined, { extensions: [ca(), only] });
  const renewed = await made('issuer', issuer, { extensions: [ca(), ...named(['dns', 'x.org'])] });
  const wrong = named(['dns', 'x.org']);
  const right = named(['dns', 'www.example.com']);
  const verdict = (...links: Link[]) => certification.validatePath(chain(...links), now + day);
  t.equal(
    await verdict(await made('x', inner, { extensions: right }), inner, issuer, root),
    'Invalid',
    'between',
  );
  t.equal(
    await verdict(await made('x', casual, { extensions: wrong }), casual, root),
    'Invalid',
    'not critical',
  );
  t.equal(await verdict(await made('x', bound, { extensions: wrong }), bound), 'Invalid', 'of the root');
  t.equal(await verdict(await made('x', bound, { extensions: right }), bound), 'Valid', 'of the root, kept');
  t.equal(await verdict(await made('x', root, { extensions: [only, ...wrong] }), root), 'Valid', 'of an end');
  const below = await made('x', renewed, { extensions: right });
  t.equal(await verdict(below, renewed, issuer, root), 'Valid', 'a key that is renewed is free');
});

t.test('malformed constraints are refused', async (t) => {
  const root = await made('root', undefined, { extensions: [ca()] });
  const verdict = async (value: Uint8Array, names: readonly Name[] = [['dns', 'x']]) => {
    const extension = new x509.Extension('2.5.29.30', true, new Uint8Array(value));
    const issuer = await made('issuer', root, { extensions: [ca(), extension] });
    const leaf = await made('x', issuer, { extensions: named(...names) });
    return certification.validatePath(chain(leaf, issuer, root), now + day);
  };
  t.equal(await verdict(Uint8Array.fromHex('3000')), 'Unknown', 'empty');
  t.equal(await verdict(Uint8Array.fromHex('300aa0083006820178800101')), 'Unknown', 'with a minimum');
  for (const hex of ['0500', '3004a0023000', '3002a000ff']) {
    await t.rejects(verdict(Uint8Array.fromHex(hex)), { name: 'InvalidCertificateError' }, hex);
  }
  const many = Array.from({ length: 2_000 }, (_, at): Name => ['dns', `h${at}`]);
  const { value } = constraints(many, []);
  t.equal(await verdict(new Uint8Array(value), many), 'Unknown', 'more than anybody compares');
});
