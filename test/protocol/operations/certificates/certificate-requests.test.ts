import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as asn1 from 'asn1js';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { type Version, versions } from '../../../../codec/version.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { ask, attributesOf, having, outcome, succeed } from '../ask.ts';
import { authority, carrying, certificateOf, mask, opened, readX509, requestOf } from './authority.ts';

const noOpenssl = spawnSync('openssl', ['version']).status !== 0 && 'no openssl command';
const openssl = (...words: string[]) =>
  execFileSync('openssl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

async function certify(service: TestService, version: Version, value: Uint8Array, type = 'PKCS_10') {
  const { UniqueIdentifier } = await succeed(service, version, Certify, carrying(version, value, type));
  return certificateOf(service, UniqueIdentifier);
}

t.test(
  'Certify accepts requests of openssl with every kind of key and signature',
  { skip: noOpenssl },
  async (t) => {
    const service = await opened(t);
    const root = await authority(service);
    const folder = t.testdir();
    const file = (name: string) => join(folder, name);
    writeFileSync(file('root.pem'), new X509Certificate(root.der).toString());
    openssl('dsaparam', '-out', file('dsa.params'), '2048');
    const rsa = ['-newkey', 'rsa:2048'];
    const curve = (name: string) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`];
    const kinds: Record<string, string[]> = {
      RSA: rsa,
      'RSA with SHA-1': [...rsa, '-sha1'],
      'RSA with SHA-224': [...rsa, '-sha224'],
      'RSA with SHA-512': [...rsa, '-sha512'],
      'RSA with PSS': [...rsa, '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'],
      'RSA for PSS only': ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
      'P-224': curve('P-224'),
      'P-256': curve('P-256'),
      'P-521': curve('P-521'),
      secp256k1: curve('secp256k1'),
      brainpool: curve('brainpoolP256r1'),
      Ed25519: ['-newkey', 'ed25519'],
      Ed448: ['-newkey', 'ed448'],
      DSA: ['-newkey', `dsa:${file('dsa.params')}`],
    };
    for (const [what, options] of Object.entries(kinds)) {
      const subject = ['-nodes', '-keyout', file('key.pem'), '-subj', `/O=Array/CN=${what}`];
      const names = [
        '-addext',
        'subjectAltName=DNS:a.example,IP:2001:db8::7,email:a@b.example,URI:https://x/',
      ];
      openssl('req', ...options, ...subject, ...names, '-out', file('request.pem'));
      openssl('req', '-in', file('request.pem'), '-outform', 'DER', '-out', file('request.der'));
      const known = openssl('req', '-in', file('request.pem'), '-noout', '-pubkey');
      for (const [type, name] of [
        ['PKCS_10', 'request.der'],
        ['PEM', 'request.pem'],
      ] as const) {
        const der = await certify(service, type === 'PEM' ? '1.2' : '2.1', readFileSync(file(name)), type);
        writeFileSync(file('leaf.pem'), new X509Certificate(der).toString());
        const at = String(service.now / 1000 + 60);
        const chain = ['-x509_strict', '-attime', at, '-CAfile', file('root.pem'), file('leaf.pem')];
        t.match(openssl('verify', ...chain), /: OK/, `${what} in ${type}`);
        t.equal(openssl('x509', '-in', file('leaf.pem'), '-noout', '-pubkey'), known, `${what}: its key`);
        const printed = openssl(
          'x509',
          '-in',
          file('leaf.pem'),
          '-noout',
          '-subject',
          '-ext',
          'subjectAltName',
        );
        t.match(printed, /O = Array, CN = /, what);
        t.match(
          printed,
          /DNS:a\.example, IP Address:2001:DB8:0:0:0:0:0:7, email:a@b\.example, URI:https:\/\/x\//,
          what,
        );
      }
    }
    openssl(
      'req',
      ...rsa,
      '-md5',
      '-nodes',
      '-keyout',
      file('k'),
      '-subj',
      '/CN=x',
      '-outform',
      'DER',
      '-out',
      file('md5'),
    );
    const { reason, message } = await ask(
      service,
      '2.1',
      Certify,
      carrying('2.1', readFileSync(file('md5'))),
    );
    t.equal(reason, 'InvalidCSR', 'MD5');
    t.match(message, /1\.2\.840\.113549\.1\.1\.4/, 'which names the algorithm');
    openssl('req', ...rsa, '-nodes', '-keyout', file('k'), '-subj', '/CN=x', '-text', '-out', file('text'));
    const around = new TextEncoder().encode(
      `Remark: ä\r\n${readFileSync(file('text'), 'latin1').replaceAll('\n', '\r\n')}\r\n`,
    );
    t.equal(readX509(await certify(service, '2.1', around, 'PEM')).subject, 'CN=x', 'PEM among other text');
  },
);

t.test('Certify accepts requests for post-quantum keys', async (t) => {
  const service = await opened(t);
  await authority(service);
  for (const name of ['ML-DSA-44', 'ML-DSA-87']) {
    const algorithm = { name };
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair;
    const request = await x509.Pkcs10CertificateRequestGenerator.create(
      { name: `CN=${name}`, signingAlgorithm: algorithm as never, keys },
      webcrypto as Crypto,
    );
    const der = await certify(service, '2.1', new Uint8Array(request.rawData));
    const { publicKey } = new X509Certificate(der);
    t.equal(publicKey.asymmetricKeyType, name.toLowerCase());
  }
});

t.test('Certify refuses requests whose signature proves nothing', async (t) => {
  const service = await opened(t);
  await authority(service);
  const { der } = await requestOf();
  const replaced = (from: string, to: string) => Uint8Array.fromHex(der.toHex().replace(from, to));
  const signedWith = (value: string) => {
    const whole = asn1.fromBER(new Uint8Array(der)).result as asn1.Sequence;
    const [info, , signature] = whole.valueBlock.value as [asn1.AsnType, asn1.AsnType, asn1.AsnType];
    const algorithm = new asn1.Sequence({ value: [new asn1.ObjectIdentifier({ value })] });
    return new Uint8Array(new asn1.Sequence({ value: [info, algorithm, signature] }).toBER());
  };
  const last = der.at(-1) as number;
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const own = new x509.Pkcs10CertificateRequest(new Uint8Array(der)).publicKey.rawData;
  const rows: [what: string, request: Uint8Array, message: RegExp][] = [
    ['another bit', Uint8Array.of(...der.slice(0, -1), last ^ 1), /signature .* does not fit/],
    [
      'another name',
      replaced(Buffer.from('client').toString('hex'), Buffer.from('cliens').toString('hex')),
      /does not fit/,
    ],
    [
      'another key',
      replaced(
        new Uint8Array(own).toHex(),
        new Uint8Array(other.export({ type: 'spki', format: 'der' })).toHex(),
      ),
      /does not fit/,
    ],
    ['the algorithm of another kind of key', signedWith('2.16.840.1.101.3.4.3.2'), /does not fit/],
    [
      'an algorithm that nobody knows',
      replaced('06082a8648ce3d040302', '06082a8648ce3d04037f'),
      /not verified/,
    ],
    [
      'a kind of key that nobody knows',
      replaced('06072a8648ce3d0201', '06072a8648ce3d027f'),
      /kind of key|PKCS#10/,
    ],
    [
      'a curve that nobody knows',
      replaced('06082a8648ce3d030107', '06082a8648ce3d03017f'),
      /kind of key|PKCS#10/,
    ],
  ];
  for (const [what, request, expected] of rows) {
    const { reason, message } = await ask(service, '2.1', Certify, carrying('2.1', request));
    t.equal(reason, 'InvalidCSR', what);
    t.match(message, expected, what);
    t.equal(await outcome(service, '1.4', Certify, carrying('1.4', request)), 'InvalidField', `${what}: 1.4`);
  }
});

t.test('Certify takes over only known extensions of a request', async (t) => {
  const service = await opened(t);
  await authority(service);
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  const url = 'http://evil.example/';
  const { der } = await requestOf({
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'a' }], true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '2.5.29.37.0', '1.3.6.1.5.5.7.3.9', '1.2.3']),
      new x509.CRLDistributionPointsExtension([url]),
      new x509.AuthorityInfoAccessExtension({ ocsp: url }),
      new x509.Extension('2.5.29.30', true, Uint8Array.of(0x30, 0)),
      new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0)),
      new x509.SubjectKeyIdentifierExtension('00'.repeat(20)),
    ],
  });
  const certificate = readX509(await certify(service, '2.1', der));
  t.same(
    certificate.extensions.map(({ type, critical }) => [type, critical]),
    [
      ['2.5.29.19', true],
      ['2.5.29.15', true],
      ['2.5.29.14', false],
      ['2.5.29.35', false],
      ['2.5.29.37', false],
      ['2.5.29.17', false],
    ],
    'those that the issuer understands, in its own words',
  );
  t.equal(certificate.getExtension(x509.KeyUsagesExtension)?.usages, digitalSignature);
  t.same(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages, ['1.3.6.1.5.5.7.3.1', '1.2.3']);
  t.not(certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId, '00'.repeat(20));

  const names = [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'a' }])];
  const nameless = await requestOf({ subject: '', extensions: names });
  const other = readX509(await certify(service, '2.1', nameless.der));
  t.equal(other.getExtension('2.5.29.17')?.critical, true, 'the only name there is');
  const nobody = await requestOf({ subject: '' });
  t.equal(await outcome(service, '2.1', Certify, carrying('2.1', nobody.der)), 'InvalidCSR', 'nobody');
  const ca = [...names, new x509.BasicConstraintsExtension(true, undefined, true)];
  const hidden = await requestOf({ subject: '', extensions: ca });
  const withoutSubject = { ...carrying('2.1', hidden.der), Attributes: having(mask('CertificateSign')) };
  t.equal(await outcome(service, '2.1', Certify, withoutSubject), 'InvalidCSR', 'an authority has a subject');
});

t.test('a certificate request can be registered and read as an object', async (t) => {
  const service = await opened(t);
  const { der, pem } = await requestOf();
  for (const [CertificateRequestType, CertificateRequestValue] of [
    ['PKCS_10', der],
    ['PEM', pem],
  ] as const) {
    const value = { CertificateRequestType, CertificateRequestValue };
    const request = {
      ObjectType: 'CertificateRequest',
      Attributes: having(),
      Object: { type: 'CertificateRequest', value },
    };
    for (const version of ['2.0', '2.1'] as const) {
      const { UniqueIdentifier: id } = await succeed(service, version, Register, request);
      t.match((await succeed(service, version, Get, { UniqueIdentifier: id })).Object, { value });
      const attributes = new Map(
        (await attributesOf(service, id, version)).map(({ name, value }) => [name, value]),
      );
      t.equal(attributes.get('ObjectType'), 'CertificateRequest');
      t.match(attributes.get('Digest'), {
        HashingAlgorithm: 'SHA_256',
        DigestValue: new Uint8Array(createHash('sha256').update(CertificateRequestValue).digest()),
      });
      t.ok(attributes.has('InitialDate') && attributes.has('LastChangeDate') && attributes.has('State'));
      for (const old of versions.filter((each) => each.startsWith('1.'))) {
        t.equal(await outcome(service, old, Get, { UniqueIdentifier: id }), 'IllegalOperation', old);
      }
    }
  }
});
