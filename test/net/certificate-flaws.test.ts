import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import t from 'tap';
import { createAuthority, issueServer } from '../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import { findChainProblem } from '../../src/cli/state-directory/client-chain.ts';
import { refusalOf } from '../../src/identity/certificate.ts';
import { trustAnchors } from '../../src/identity/trust.ts';
import { demo, material } from './certificates-fixture.ts';
import { authority, type Draft, leaf, type Made, make, rsa } from './flawed-certificates.ts';
import { type Event, openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

const { digitalSignature, keyEncipherment, keyAgreement, keyCertSign, cRLSign } = x509.KeyUsageFlags;
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
const anyPurpose = '2.5.29.37.0';
const critical = [new x509.Extension('1.3.6.1.4.1.99999.1', true, Uint8Array.of(5, 0))];
/** NameConstraints with one permitted or excluded directoryName, CN=test or CN=other. */
const constraints = (subtrees: 0xa0 | 0xa1, name: string) => {
  const directory = new Uint8Array(new x509.Name([{ CN: [name] }]).toArrayBuffer());
  const base = Uint8Array.of(0xa4, directory.length, ...directory);
  const subtree = Uint8Array.of(0x30, base.length, ...base);
  const list = Uint8Array.of(subtrees, subtree.length, ...subtree);
  return [new x509.Extension('2.5.29.30', true, Uint8Array.of(0x30, list.length, ...list))];
};

/** Client certificates, and the reason for which they cannot be used. */
const leaves: readonly (readonly [name: string, draft: Draft, problem?: RegExp])[] = [
  ['sound', leaf],
  ['the usual extensions', { ...leaf, usage: digitalSignature | keyEncipherment }],
  ['key agreement', { ...leaf, usage: keyAgreement }],
  ['no extension', {}],
  ['no Key Usage', { ...leaf, usage: undefined }],
  ['no Extended Key Usage', { ...leaf, purposes: undefined }],
  ['no Basic Constraints', { ...leaf, ca: undefined }],
  ['both purposes', { ...leaf, purposes: [serverAuth, clientAuth] }],
  ['an authority', { ...leaf, ca: true, usage: digitalSignature | keyCertSign }],
  ['an authority that must not sign certificates', { ...leaf, ca: true }],
  ['RSA of 2048 bits', { ...leaf, algorithm: rsa(2048) }],
  [
    'key encipherment alone',
    { ...leaf, usage: keyEncipherment },
    /^it is not for TLS clients: its Key Usage/,
  ],
  ['a server', { ...leaf, purposes: [serverAuth] }, /^it is not for TLS clients: its Extended Key Usage/],
  ['any purpose', { ...leaf, purposes: [anyPurpose] }, /^it is not for TLS clients: its Extended/],
  ['a server and any purpose', { ...leaf, purposes: [serverAuth, anyPurpose] }, /^it is not for TLS clients/],
  [
    'an unknown critical extension',
    { ...leaf, extensions: critical },
    /^it has the critical extension 1\.3\.6/,
  ],
  ['expired', { ...leaf, from: -3, until: -1 }, /^it has expired/],
  ['RSA of 1024 bits', { ...leaf, algorithm: rsa(1024) }, /^it has an RSA key of 1024 bits/],
];

/** Authorities above a sound client certificate; `inTheMiddle`: the problem below another, if it differs. */
const authorities: readonly (readonly [
  name: string,
  draft: Draft,
  problem?: RegExp | undefined,
  inTheMiddle?: RegExp,
])[] = [
  ['sound', authority],
  ['no Key Usage', { ...authority, usage: undefined }],
  ['for TLS clients', { ...authority, purposes: [clientAuth] }],
  ['path length 0', { ...authority, pathLength: 0 }],
  ['constraints that allow the name', { ...authority, extensions: constraints(0xa0, 'leaf') }],
  ['no Basic Constraints', { ...authority, ca: undefined }, undefined, /it has no Basic Constraints/],
  ['no extension', {}, /is no authority: it has no Basic Constraints/],
  ['CA:FALSE', { ...authority, ca: false }, /is no authority: its Basic Constraints say CA:FALSE/],
  ['no right to sign certificates', { ...authority, usage: cRLSign }, /its Key Usage lacks keyCertSign/],
  ['expired', { ...authority, from: -9, until: -1 }, /has expired/],
  ['RSA of 1024 bits', { ...authority, algorithm: rsa(1024) }, /has an RSA key of 1024 bits/],
  ['an unknown critical extension', { ...authority, extensions: critical }, /has the critical extension/],
  ['for TLS servers', { ...authority, purposes: [serverAuth] }, /lacks clientAuth/],
  ['for any purpose', { ...authority, purposes: [anyPurpose] }, /lacks clientAuth/],
  [
    'constraints to another name',
    { ...authority, extensions: constraints(0xa0, 'other') },
    /Name Constraints/,
  ],
  [
    'constraints against the name',
    { ...authority, extensions: constraints(0xa1, 'leaf') },
    /Name Constraints/,
  ],
];

/**
 * Presents a chain to a listener that trusts it as after `client add`; resolves to the event. `isPinned`
 * false: the listener knows nothing of the client but `trusted`.
 */
async function handshakeEvent(
  {
    certificate,
    key,
    issuers,
    isPinned = true,
  }: Pick<Made, 'certificate' | 'key' | 'issuers'> & { isPinned?: boolean },
  trusted: readonly string[],
): Promise<Event> {
  const chain = [certificate, ...issuers].join('');
  const enrolled = { name: 'c', group: 'g', role: 'full', fingerprint: '', disabled: false, enrolledAt: 0 };
  const listener = await openListener({
    material: {
      ...material,
      ca: trustAnchors(trusted, isPinned ? [{ ...enrolled, certificate: chain, hasCredentials: false }] : []),
    },
    authenticate: async (presented) => {
      const refused = refusalOf(presented, new Date());
      return refused === undefined
        ? { principal: { client: 'c', group: 'g', may: () => true } }
        : { refused, fingerprint: '' };
    },
  });
  // The client sends what the server might refuse, so its own OpenSSL must not.
  const weak = { ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false };
  const socket = connect({ host: '127.0.0.1', port: listener.port, cert: chain, key, ...weak });
  socket.on('error', () => {});
  const event = await Promise.race([listener.event('connectionOpened'), listener.event('handshakeRefused')]);
  socket.destroy();
  await listener.close();
  return event;
}

/** Resolves to `accepted` or the reason of the refusal. */
async function handshake(
  made: Parameters<typeof handshakeEvent>[0],
  trusted: readonly string[],
): Promise<string> {
  const { kind, reason } = await handshakeEvent(made, trusted);
  return kind === 'connectionOpened' ? 'accepted' : String(reason);
}

/** Compares what `client add` says of a chain with what the handshake does. */
async function compare(t: Tap, made: Made, problem: RegExp | undefined, name: string): Promise<void> {
  const [certificate, ...issuers] = [made.certificate, ...made.issuers].map(
    (pem) => new X509Certificate(pem),
  );
  const said = await findChainProblem(certificate as X509Certificate, issuers, new Date());
  if (problem === undefined) t.equal(said, undefined, `${name}: client add`);
  else t.match(said, problem, `${name}: client add`);
  for (const trusted of made.issuers.length === 0 ? [[]] : [[], made.issuers.slice(-1)]) {
    const done = await handshake(made, trusted);
    t.equal(done === 'accepted', problem === undefined, `${name}: handshake ${done}`);
  }
}
type Tap = Pick<typeof t, 'equal' | 'match'>;

t.test('client add and the handshake agree on self-signed certificates', async (t) => {
  for (const [name, draft, problem] of leaves)
    await compare(t, await make({ ...draft, name: 'leaf' }), problem, name);
});

t.test('client add and the handshake agree on certificates of an authority', async (t) => {
  const root = await make({ ...authority, name: 'root' });
  for (const [name, draft, problem] of leaves)
    await compare(t, await make({ ...draft, name: 'leaf' }, root), problem, name);
  const weak = await make({ ...leaf, name: 'leaf', hash: 'SHA-1' }, root);
  await compare(t, weak, /^it is signed with ecdsa-with-SHA1/, 'a signature with SHA-1');
});

t.test(
  'client add and the handshake agree on authorities, and client add names the one at fault',
  async (t) => {
    const root = await make({ ...authority, name: 'root' });
    for (const [name, draft, asRoot, inTheMiddle = asRoot] of authorities) {
      const own = await make({ ...draft, name: 'flawed' });
      await compare(
        t,
        await make({ ...leaf, name: 'leaf' }, own),
        asRoot && new RegExp(`^its issuer "CN=flawed" .*${asRoot.source}`),
        `${name}, as the root`,
      );
      const middle = await make({ ...draft, name: 'flawed' }, root);
      await compare(
        t,
        await make({ ...leaf, name: 'leaf' }, middle),
        inTheMiddle && new RegExp(`^its issuer "CN=flawed" .*${inTheMiddle.source}`),
        `${name}, in the middle`,
      );
    }
    const short = await make({ ...authority, name: 'root', pathLength: 0 });
    const middle = await make({ ...authority, name: 'middle' }, short);
    await compare(
      t,
      await make({ ...leaf, name: 'leaf' }, middle),
      /^its issuer "CN=root" allows 0 authorities/,
      'path length',
    );
  },
);

t.test('client add accepts what will be valid later, and the handshake does so then', async (t) => {
  const made = await make({ ...leaf, from: 1, until: 3 });
  const certificate = new X509Certificate(made.certificate);
  t.equal(await findChainProblem(certificate, [], new Date()), undefined);
  t.equal(await handshake(made, []), 'client certificate not yet valid');
});

t.test('the log names the trust anchor that makes a handshake fail', async (t) => {
  const expired = await make({ ...authority, name: 'old root', from: -9, until: -1 });
  const weak = await make({ ...authority, name: 'weak root', algorithm: rsa(1024) });
  const sound = await make({ ...authority, name: 'root' });
  const late = { ...leaf, name: 'leaf', from: -3, until: -1 };
  const cases: [made: Made, expected: object][] = [
    [await make({ ...leaf, name: 'leaf' }, expired), { reason: /expired/, subject: 'CN=old root' }],
    [await make({ ...leaf, name: 'leaf' }, weak), { reason: /weak key/, subject: 'CN=weak root' }],
    [await make(late), { reason: /expired/, subject: 'CN=leaf' }],
    [await make(late, sound), { reason: /expired/, subject: 'CN=leaf' }],
  ];
  for (const [made, expected] of cases) t.match(await handshakeEvent(made, []), expected);
  const unknown = await handshakeEvent({ ...(await make(late, sound)), isPinned: false }, [
    sound.certificate,
  ]);
  t.match(unknown, { reason: /expired/, subject: undefined }, 'the client alone has it');
});

t.test('the log says what to do when a client supports no algorithm of an EC server key', async (t) => {
  const rsaKey = await generateKey('rsa');
  const own = await generateKey('ec');
  const home = openAuthority(await createAuthority('Home', own), own);
  const rsaMaterial = {
    ...material,
    cert: await issueServer(home, rsaKey, ['localhost', '127.0.0.1']),
    key: privateKeyToPem(rsaKey),
  };
  const suites = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const;
  const signatures = { minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256' } as const;
  for (const options of [suites, signatures]) {
    const listener = await openListener();
    await t.rejects(connectPeer(listener.port, { ...demo, ...options }));
    t.match(await listener.event('handshakeRefused'), {
      reason: /in common$/,
      message: /^the server key is EC: .* docs\/certificates\.md$/,
    });
    await listener.close();
  }
  const listener = await openListener({ material: rsaMaterial });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port, { ...demo, ca: home.certificate, ...suites });
  t.equal(peer.socket.getCipher().name, 'ECDHE-RSA-AES128-GCM-SHA256', 'an RSA key is the remedy');
  peer.socket.end();
  const ecOnly = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
  await t.rejects(connectPeer(listener.port, { ...demo, ca: home.certificate, ...ecOnly }));
  t.match(await listener.event('handshakeRefused'), { reason: /in common$/, message: undefined });
});

t.test('client add requires the whole chain', async (t) => {
  const root = await make({ ...authority, name: 'root' });
  const middle = await make({ ...authority, name: 'middle' }, root);
  const made = await make({ ...leaf, name: 'leaf' }, middle);
  const certificate = new X509Certificate(made.certificate);
  for (const issuers of [[], [middle.certificate], [root.certificate]]) {
    const known = issuers.map((pem) => new X509Certificate(pem));
    t.match(await findChainProblem(certificate, known, new Date()), /its issuer is unknown/);
    t.match(await handshake({ ...made, issuers }, []), /issuer/);
  }
});
