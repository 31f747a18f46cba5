import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { InvalidCertificateError, InvalidNameError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { ca, day, type Link, made, now, usage } from './chains.ts';

const { certification } = nodeCrypto;

const judged = (chain: readonly Link[], at = now + day) =>
  certification.validatePath(
    chain.map(({ der }) => der),
    at,
  );

t.test('a chain is validated as RFC 5280 §6 says', async (t) => {
  const root = await made('root', undefined, { extensions: [ca()] });
  const middle = await made('middle', root, { extensions: [ca(), usage(x509.KeyUsageFlags.keyCertSign)] });
  const leaf = await made('leaf', middle);
  const below = async (...extensions: x509.Extension[]): Promise<Link[]> => {
    const issuer = await made('issuer', root, { extensions });
    return [await made('end', issuer), issuer, root];
  };
  const deep = async (pathLength: number): Promise<Link[]> => {
    const top = await made('top', undefined, { extensions: [ca(pathLength)] });
    const inner = await made('inner', top, { extensions: [ca()] });
    return [await made('end', inner), inner, top];
  };
  const impostor = await made('middle', root, { extensions: [ca()] });
  const critical = new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0));
  const casual = new x509.Extension('1.2.3.4', false, Uint8Array.of(5, 0));
  const constraints = new x509.Extension('2.5.29.30', true, Uint8Array.of(0x30, 0));
  const policies = new x509.Extension('2.5.29.36', true, Uint8Array.of(0x30, 3, 0x80, 1, 0));
  const sha1 = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-1',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  };
  const weakRoot = await made('weak', undefined, { algorithm: sha1, extensions: [ca()] });
  const rollover = await made('root', root, { extensions: [ca()] });

  const rows: [what: string, chain: readonly Link[], expected: string, at?: number][] = [
    ['a good one', [leaf, middle, root], 'Valid'],
    ['a root alone', [root], 'Valid'],
    ['without its end', [leaf, middle], 'Unknown'],
    ['a leaf alone', [leaf], 'Unknown'],
    ['too early', [leaf, middle, root], 'Invalid', now - 1],
    ['too late', [leaf, middle, root], 'Invalid', now + 100 * day + 1],
    ['the signature of another key of that name', [leaf, impostor, root], 'Invalid'],
    ['an issuer that does not say it is one', await below(), 'Invalid'],
    ['an issuer that says it is none', await below(new x509.BasicConstraintsExtension(false)), 'Invalid'],
    [
      'an issuer for signatures only',
      await below(ca(), usage(x509.KeyUsageFlags.digitalSignature)),
      'Invalid',
    ],
    ['a path that is longer than allowed', await deep(0), 'Invalid'],
    ['a path as long as allowed', await deep(1), 'Valid'],
    ['a critical extension that nobody knows', await below(ca(), critical), 'Unknown'],
    ['the same, not critical', await below(ca(), casual), 'Valid'],
    ['name constraints that say nothing', await below(ca(), constraints), 'Unknown'],
    ['critical constraints of policies', await below(ca(), policies), 'Unknown'],
    ['a signature with SHA-1', [await made('end', weakRoot, { algorithm: sha1 }), weakRoot], 'Invalid'],
    ['a root whose own signature is with SHA-1', [weakRoot], 'Valid'],
    ['a root that renews its key', [await made('end', rollover), rollover, root], 'Valid'],
    ['the leaf not yet', [await made('end', root, { from: 2 * day }), root], 'Invalid'],
  ];
  for (const [what, chain, expected, at] of rows) t.equal(await judged(chain, at), expected, what);
});

t.test('certificates are put in the order of their chain', async (t) => {
  const root = await made('root', undefined, { extensions: [ca()] });
  const middle = await made('middle', root, { extensions: [ca()] });
  const leaf = await made('leaf', middle);
  const other = await made('other', root);
  const rollover = await made('root', root, { extensions: [ca()] });
  const end = await made('end', rollover);
  const ordered = async (...links: Link[]) =>
    (await certification.buildChain(links.map(({ der }) => der)))?.map((der) =>
      links.findIndex((link) => link.der === der),
    );
  t.same(await ordered(root, middle, leaf), [2, 1, 0]);
  t.same(await ordered(middle, leaf), [1, 0]);
  t.same(await ordered(leaf), [0]);
  t.same(await ordered(root, end, rollover), [1, 2, 0], 'two of one name: whose key it was');
  t.equal(await ordered(leaf, root), undefined, 'a gap');
  t.equal(await ordered(leaf, middle, root, other), undefined, 'a fork');
  t.equal(await ordered(leaf, other), undefined, 'two chains');
  const twice = await made('twice', undefined, { extensions: [ca(), ca()] });
  await t.rejects(judged([twice]), InvalidCertificateError, 'an extension that comes twice');
  await t.rejects(certification.buildChain([Uint8Array.of(0x30, 0)]), InvalidCertificateError);
  await t.rejects(
    certification.buildChain([new Uint8Array(200_000)]),
    InvalidCertificateError,
    'too large to be looked at',
  );
});

t.test('names are equal when they differ in case, spaces or string type only', async (t) => {
  const written = (name: x509.JsonNameParams) => new x509.Name(name);
  const root = await made('root', undefined, {
    extensions: [ca()],
    subject: written([{ O: [{ printableString: 'Acme  Inc' }] }, { CN: [{ utf8String: 'Root' }] }]),
  });
  const leaf = await made('leaf', root, {
    issuer: written([{ O: [{ utf8String: 'ACME inc' }] }, { CN: [{ printableString: 'root' }] }]),
  });
  const other = await made('leaf', root, {
    issuer: written([{ CN: [{ utf8String: 'Root' }] }, { O: [{ utf8String: 'Acme Inc' }] }]),
  });
  const ordered = async (link: Link) =>
    (await certification.buildChain([root.der, link.der]))?.[0] === link.der;
  t.ok(await ordered(leaf), 'letter case, spaces and the kind of string do not count');
  t.notOk(await ordered(other), 'the order of the parts does');
  t.equal(await judged([leaf, root]), 'Valid');
});

t.test('names are encoded in DER or refused', async (t) => {
  const { encodeName, nameContains, encodeAlternativeName } = certification;
  const whole = await encodeName({ text: 'CN=A\\, B,OU=x,O=Acme  Inc,C=de' });
  t.equal(new x509.Name(new Uint8Array(whole)).toString(), 'C=de, O=Acme  Inc, OU=x, CN=A\\, B');
  const parts = await encodeName({
    parts: [
      ['CN', 'A, B'],
      ['O', 'ACME inc'],
      ['C', 'DE'],
    ],
  });
  t.ok(nameContains(whole, parts), 'letter case and spaces do not count');
  t.notOk(nameContains(parts, whole));
  for (const text of ['', 'nonsense', 'XYZ=1', 'CN=', `CN=${'x'.repeat(5_000)}`]) {
    await t.rejects(encodeName({ text }), InvalidNameError, text.slice(0, 20));
  }
  await t.rejects(encodeName({ parts: [] }), InvalidNameError);
  await t.rejects(encodeName({ der: Uint8Array.of(0x30, 0) }), InvalidNameError, 'an empty name');
  await t.rejects(encodeName({ der: Uint8Array.of(4, 1, 0) }), InvalidNameError, 'not a name');
  for (const text of ['', 'a b', 'ex ample.com', 'ü.example.com', '-x', 'x'.repeat(300)]) {
    await t.rejects(encodeAlternativeName(text), InvalidNameError, text.slice(0, 20));
  }
  for (const [text, tag] of [
    ['*.example.com', 0x82],
    ['::1', 0x87],
    ['mailto@example.com', 0x81],
    ['urn+x://y', 0x86],
  ] as const) {
    t.equal((await encodeAlternativeName(text))[0], tag, text);
  }
});

t.test('weak subject keys and issuers that cannot sign are refused', async (t) => {
  const subject = await certification.encodeName({ text: 'CN=x' });
  const issuer = await nodeCrypto.generateKeyPair({ algorithm: 'ECDSA', curve: 'P_256' });
  const order = (publicKey: Uint8Array, privateKey: Uint8Array, hash?: 'MD5') =>
    certification.issueCertificate({
      content: { subject, publicKey, alternativeNames: [], extendedKeyUsage: [], authority: false },
      issuer: subject,
      issuerKey: { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: privateKey },
      serialNumber: new Uint8Array(16).fill(0xff),
      notBefore: now,
      notAfter: now + day,
      signature: hash === undefined ? {} : { HashingAlgorithm: hash },
    });
  const named = { name: 'UnsupportedAlgorithmError' };
  for (const request of [
    { algorithm: 'RSA', bits: 1024 },
    { algorithm: 'DSA', bits: 1024, qLength: 160 },
    { algorithm: 'ECDSA', curve: 'P_192' },
  ] as const) {
    const weak = await nodeCrypto.generateKeyPair(request).catch(() => undefined);
    if (weak !== undefined)
      await t.rejects(order(weak.publicKey, issuer.privateKey), named, request.algorithm);
  }
  const curve = await nodeCrypto.generateKeyPair({ algorithm: 'ECDSA', curve: 'SECP256K1' });
  await t.rejects(order(issuer.publicKey, curve.privateKey), named, 'a curve that WebCrypto lacks');
  await t.rejects(order(issuer.publicKey, issuer.privateKey, 'MD5'), named, 'MD5');
  const der = await order(issuer.publicKey, issuer.privateKey);
  t.match(new x509.X509Certificate(new Uint8Array(der)).serialNumber, /^7f(ff){15}$/, 'always positive');
});

t.test('a certificate with a thousand names is read, one with many more is not', async (t) => {
  const named = (count: number) =>
    made('names', undefined, {
      extensions: [
        ca(),
        new x509.SubjectAlternativeNameExtension(
          Array.from({ length: count }, (_, at) => ({ type: 'dns' as const, value: `a${at}.example` })),
        ),
      ],
    });
  const [usual, long] = [await named(1_000), await named(4_100)];
  t.equal((await certification.readCertificate(usual.der)).alternativeNames.length, 1_000);
  t.equal(await judged([usual]), 'Valid');
  await t.rejects(certification.readCertificate(long.der), InvalidCertificateError);
  await t.rejects(judged([long]), InvalidCertificateError);
});

t.test('a certificate that was read before is read as it is now', async (t) => {
  const root = await made('root', undefined, { extensions: [ca()] });
  const leaf = await made('leaf', root);
  const buffer = leaf.der.slice();
  const before = await certification.readCertificate(buffer);
  t.ok(certification.isIssuedBy(buffer, root.der));
  buffer[buffer.length - 1] = (buffer.at(-1) as number) ^ 1;
  t.notOk(certification.isIssuedBy(buffer, root.der), 'the bytes count, not the buffer');
  t.equal(await judged([{ ...leaf, der: buffer }, root]), 'Invalid');
  buffer.fill(0);
  t.same(await certification.readCertificate(leaf.der), before, 'nothing refers to the buffer');
  t.equal(await judged([leaf, root]), 'Valid');
});

t.test('many certificates are read one after another', async (t) => {
  const root = await made('root', undefined, { extensions: [ca()] });
  const leaves = await Promise.all(Array.from({ length: 600 }, (_, at) => made(`leaf ${at}`, root)));
  for (const round of [1, 2])
    for (const { der } of leaves) if (!certification.isIssuedBy(der, root.der)) t.fail(`round ${round}`);
  t.pass('more than are remembered');
});
