import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { ask, attributeOf, having, outcome, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  carrying,
  certificateOf,
  certified,
  extracted,
  keyPair,
  links,
  linkTo,
  mask,
  name,
  opened,
  p256,
  readX509,
  requestOf,
  subordinate,
} from './authority.ts';

t.test('openssl verifies the certificates of every kind of issuing key and signature', async (t) => {
  const service = await opened(t);
  const rsa = [attribute('CryptographicAlgorithm', 'RSA'), attribute('CryptographicLength', 2048)];
  const curve = (RecommendedCurve: 'P_384' | 'P_521') => [
    attribute('CryptographicAlgorithm', 'ECDSA'),
    attribute('CryptographicDomainParameters', { RecommendedCurve }),
  ];
  const pss = attribute('CryptographicParameters', { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_384' });
  const signedWith = (value: 'SHA_512WithRSAEncryption' | 'RSASSA_PSS' | 'ECDSAWithSHA512') =>
    attribute('DigitalSignatureAlgorithm', value);
  const cases: [what: string, key: Attribute[], attributes: Attribute[], expected: string | undefined][] = [
    ['RSA', rsa, [], 'SHA_256WithRSAEncryption'],
    ['RSA SHA-512', rsa, [signedWith('SHA_512WithRSAEncryption')], 'SHA_512WithRSAEncryption'],
    ['RSA PSS by its name', rsa, [signedWith('RSASSA_PSS')], 'RSASSA_PSS'],
    ['RSA PSS by parameters', rsa, [pss], 'RSASSA_PSS'],
    ['P-256', [...p256], [], 'ECDSAWithSHA256'],
    ['P-256 SHA-512', [...p256], [signedWith('ECDSAWithSHA512')], 'ECDSAWithSHA512'],
    ['P-384', curve('P_384'), [], 'ECDSAWithSHA384'],
    ['P-521', curve('P_521'), [], 'ECDSAWithSHA512'],
    ['Ed25519', [attribute('CryptographicAlgorithm', 'Ed25519')], [], undefined],
  ];
  for (const [what, key, attributes, expected] of cases) {
    const root = await authority(service, `Root of ${what}`, key, ...attributes);
    t.equal(await attributeOf(service, root.certificate, 'DigitalSignatureAlgorithm'), expected, what);
    const middle = await subordinate(service, root, `Middle of ${what}`);
    const leaf = await certified(service, middle, `Leaf of ${what}`);
    t.equal(
      await nodeCrypto.certification.validatePath([leaf.der, middle.der, root.der], service.now / 1000),
      'Valid',
      what,
    );
    verify(t, what, root, [middle], leaf, service.now / 1000);
  }
});

function verify(
  t: { equal(a: unknown, b: unknown, what: string): unknown; comment(text: string): unknown },
  what: string,
  root: Authority,
  between: readonly Authority[],
  leaf: Authority,
  now: number,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'kmipd-certify-'));
  const file = (called: string, ...list: readonly Authority[]) => {
    const path = join(folder, called);
    writeFileSync(path, list.map(({ der }) => new X509Certificate(der).toString()).join(''));
    return path;
  };
  const chain = ['-CAfile', file('root', root), '-untrusted', file('between', ...between)];
  try {
    const printed = execFileSync(
      'openssl',
      ['verify', '-x509_strict', '-attime', String(now + 60), ...chain, file('leaf', leaf)],
      { encoding: 'utf8', stdio: 'pipe' },
    );
    t.equal(printed.trim().split(' ').at(-1), 'OK', `${what}: openssl verify`);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    t.comment(`${what}: not verified by openssl, whose command line is not here`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

t.test('Certify makes an authority only when requested and allowed to the issuer', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const ca = [new x509.BasicConstraintsExtension(true, 1, true)];
  const { der } = await requestOf({ extensions: ca });
  t.equal(
    await outcome(service, '2.1', Certify, carrying('2.1', der)),
    'PermissionDenied',
    'a request alone',
  );
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Certify, {
    ...carrying('2.1', der),
    Attributes: having(mask('CertificateSign')),
  });
  const limited = readX509(await certificateOf(service, id));
  t.match(limited.getExtension(x509.BasicConstraintsExtension), { ca: true, pathLength: 1 });
  t.equal(
    limited.getExtension(x509.KeyUsagesExtension)?.usages,
    x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
  );
  const middle = await subordinate(service, root, 'middle');
  const { der: plain } = await requestOf();
  const { UniqueIdentifier: below } = await succeed(service, '2.1', Certify, {
    ...carrying('2.1', plain),
    Attributes: having(mask('CertificateSign'), linkTo(middle.certificate)),
  });
  t.match(
    readX509(await certificateOf(service, below)).getExtension(x509.BasicConstraintsExtension),
    { ca: false },
    'a request that does not say so makes none',
  );

  const shallow = await keyPair(service, p256, 'CertificateSign');
  await succeed(service, '2.1', Activate, { UniqueIdentifier: shallow.privateKey });
  const { der: zero } = await requestOf({
    subject: 'CN=shallow',
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    keys: await extracted(service, shallow),
  });
  const { UniqueIdentifier: end } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: shallow.publicKey,
    ...carrying('2.1', zero),
    Attributes: having(mask('CertificateSign'), linkTo(root.certificate)),
  });
  const next = { ...carrying('2.1', der), Attributes: having(mask('CertificateSign'), linkTo(end)) };
  t.equal(await outcome(service, '2.1', Certify, next), 'PermissionDenied', 'path length 0');
});

t.test('Certify chooses the issuer by link, by name, or the first one', async (t) => {
  const service = await opened(t);
  const pair = await keyPair(service);
  const requestFor = (...attributes: Attribute[]) => ({
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...name('Subject', { CN: 'x' }), ...attributes),
  });
  const issuedBy = async (...attributes: Attribute[]) => {
    const { UniqueIdentifier: id } = await succeed(service, '2.1', Certify, requestFor(...attributes));
    return (await links(service, id)).CertificateLink;
  };
  t.equal(await outcome(service, '2.1', Certify, requestFor()), 'ItemNotFound', 'none');
  const one = await authority(service, 'One');
  t.equal(await issuedBy(), one.certificate);
  const two = await authority(service, 'Two');
  t.equal(await issuedBy(), one.certificate, 'the first one');
  t.equal(await issuedBy(linkTo(two.certificate)), two.certificate);
  t.equal(await issuedBy(...name('Issuer', { CN: ' ONE' })), one.certificate);
  const text = { CertificateIssuerDistinguishedName: 'CN=Two,O=Test', CertificateIssuerAlternativeName: [] };
  const { UniqueIdentifier: classic } = await succeed(service, '1.0', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(attribute('CertificateIssuer', text)),
  });
  t.equal((await links(service, classic)).CertificateLink, two.certificate, 'by its name as text');
  const details = await nodeCrypto.certification.readCertificate(one.der);
  const issuer = { IssuerDistinguishedName: details.subject, IssuerAlternativeName: [] };
  t.equal(await issuedBy(attribute('X_509CertificateIssuer', issuer)), one.certificate);
  t.equal(
    await outcome(service, '2.1', Certify, requestFor(...name('Issuer', { CN: 'Three' }))),
    'ItemNotFound',
  );
  t.equal(await outcome(service, '2.1', Certify, requestFor(linkTo(pair.privateKey))), 'ItemNotFound');
  t.equal(await outcome(service, '2.1', Certify, requestFor(linkTo('nobody'))), 'ItemNotFound');
  t.equal(
    (await ask(service, '2.1', Certify, requestFor(), 'other')).reason,
    'ItemNotFound',
    "another group's issuers and keys do not exist",
  );
});

t.test('Certify finds a registered issuer when either of its objects links the other', async (t) => {
  for (const side of ['certificate', 'key'] as const) {
    const service = await opened(t);
    const other = await TestService.open();
    const made = await authority(other, 'Brought');
    const { Object: key } = await succeed(other, '2.1', Get, { UniqueIdentifier: made.privateKey });
    await other.close();
    const active = attribute('ActivationDate', service.now / 1000);
    const register = async (object: object & { type: string }, ...attributes: Attribute[]) =>
      (
        await succeed(service, '2.1', Register, {
          ObjectType: object.type as never,
          Object: object as never,
          Attributes: having(active, ...attributes),
        })
      ).UniqueIdentifier;
    const certificate = {
      type: 'Certificate',
      value: { CertificateType: 'X_509', CertificateValue: made.der },
    };
    const keyId = await register(key as never, mask('CertificateSign'));
    const certificateId = await register(
      certificate,
      ...(side === 'certificate' ? [linkTo(keyId, 'PrivateKeyLink')] : []),
    );
    const { der } = await requestOf();
    const requestFor = { ...carrying('2.1', der) };
    if (side === 'key') {
      t.equal(
        await outcome(service, '2.1', Certify, requestFor),
        'ItemNotFound',
        'without a link they are strangers',
      );
      await succeed(service, '2.1', AddAttribute, {
        UniqueIdentifier: keyId,
        NewAttribute: linkTo(certificateId),
      });
    }
    const { UniqueIdentifier: id } = await succeed(service, '2.1', Certify, requestFor);
    t.equal((await links(service, id)).CertificateLink, certificateId, side);
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: certificateId,
      RevocationReason: { RevocationReasonCode: 'CACompromise' },
    });
    t.equal(await outcome(service, '2.1', Certify, requestFor), 'ItemNotFound', 'a revoked issuer is none');
  }
});

t.test('Certify makes a self-signed certificate only when requested', async (t) => {
  const service = await opened(t);
  const subject = name('Subject', { CN: 'Me' });
  const issuer = name('Issuer', { CN: 'Me' });
  const certifiable = await keyPair(service, p256, 'CertificateSign');
  const requestFor = (publicKey: string, ...attributes: Attribute[]) => ({
    UniqueIdentifier: publicKey,
    Attributes: having(...attributes),
  });
  const result = (publicKey: string, ...attributes: Attribute[]) =>
    outcome(service, '2.1', Certify, requestFor(publicKey, ...attributes));
  t.equal(
    await result(certifiable.publicKey, ...subject, ...issuer),
    'WrongKeyLifecycleState',
    'not Active yet',
  );
  await succeed(service, '2.1', Activate, { UniqueIdentifier: certifiable.privateKey });
  t.equal(await result(certifiable.publicKey, ...subject), 'ItemNotFound', 'no issuer stated');
  const uncertifiable = await keyPair(service);
  await succeed(service, '2.1', Activate, { UniqueIdentifier: uncertifiable.privateKey });
  t.equal(
    await result(uncertifiable.publicKey, ...subject, ...issuer),
    'IncompatibleCryptographicUsageMask',
    'not a key for certificates',
  );
  const { UniqueIdentifier: id } = await succeed(
    service,
    '2.1',
    Certify,
    requestFor(certifiable.publicKey, ...subject, ...issuer),
  );
  const certificate = readX509(await certificateOf(service, id));
  t.equal(certificate.subject, certificate.issuer);
  t.match(
    certificate.getExtension(x509.BasicConstraintsExtension),
    { ca: false },
    'no authority unless asked',
  );
  t.same(await links(service, id), { PublicKeyLink: certifiable.publicKey });
});
