import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  carrying,
  certificateOf,
  certified,
  day,
  ecdsa,
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

const details = (der: Uint8Array) => nodeCrypto.certification.readCertificate(der);
const now = (service: TestService) => service.now / 1000;

async function registered(
  service: TestService,
  der: Uint8Array,
  ...attributes: Attribute[]
): Promise<string> {
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(attribute('ActivationDate', now(service)), ...attributes),
    Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: der } },
  });
  return UniqueIdentifier;
}

interface Forged {
  readonly subject: string;
  readonly issuer?: Authority;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly extensions: x509.Extension[];
}

/** Makes a certificate outside the server, signed by the key of an authority in it or by its own. */
async function forged(
  service: TestService,
  { subject, issuer, keys, extensions }: Forged,
): Promise<Uint8Array> {
  const signer = issuer === undefined ? keys : await extracted(service, issuer);
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '4d2f',
      subject,
      issuer: issuer === undefined ? subject : readX509(issuer.der).subject,
      notBefore: new Date(service.now),
      notAfter: new Date(service.now + 50 * day * 1000),
      publicKey: keys.publicKey,
      signingKey: signer.privateKey,
      signingAlgorithm: ecdsa,
      extensions,
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(made.rawData);
}

t.test('a key that an authority has certified as authority signs no certificate for itself', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const middle = await subordinate(service, root, 'Middle');
  const own = (...more: Attribute[]) => ({
    UniqueIdentifier: middle.publicKey,
    Attributes: having(...name('Subject', { CN: 'Middle' }), ...name('Issuer', { CN: 'Middle' }), ...more),
  });
  t.equal(await outcome(service, '2.1', Certify, own(mask('CertificateSign'))), 'PermissionDenied');
  await succeed(service, '2.1', DeleteAttribute, {
    UniqueIdentifier: middle.certificate,
    AttributeReference: { name: 'Link' },
  });
  t.equal(
    await outcome(service, '2.1', Certify, own(mask('CertificateSign'))),
    'PermissionDenied',
    'no links',
  );
});

t.test('a self-signed authority keeps its path length and its name constraints', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const keys = await extracted(service, root);
  const constraints = new x509.Extension(
    '2.5.29.30',
    true,
    Uint8Array.fromHex('3012a010300e820c6b6d69702e6578616d706c65'),
  );
  const limited = await forged(service, {
    subject: readX509(root.der).subject,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), constraints],
  });
  await registered(service, limited);
  const { UniqueIdentifier: id } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: root.certificate,
  });
  const renewed = await details(await certificateOf(service, id));
  t.match(renewed, { selfSigned: true, authority: true, pathLength: 1 });
  t.equal(renewed.nameConstraints?.toHex(), '3012a010300e820c6b6d69702e6578616d706c65');
});

t.test('path lengths and name constraints of every authority above hold', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const build = async (...extensions: x509.Extension[]) => {
    const pair = await keyPair(service, p256, 'CertificateSign');
    await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
    const der = await forged(service, {
      subject: `CN=Limited ${pair.publicKey}`,
      issuer: root,
      keys: await extracted(service, pair),
      extensions,
    });
    const certificate = await registered(service, der, linkTo(pair.privateKey, 'PrivateKeyLink'));
    return { ...pair, certificate, der };
  };
  const shallow = await build(new x509.BasicConstraintsExtension(true, 1, true));
  const lower = await subordinate(service, shallow, 'Lower');
  t.equal((await details(lower.der)).pathLength, 0);
  // kmip.example only
  const constraints = Uint8Array.fromHex('3012a010300e820c6b6d69702e6578616d706c65');
  const named = await build(
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.Extension('2.5.29.30', true, constraints),
  );
  const below = await subordinate(service, named, 'Below');
  for (const issuer of [named, below])
    for (const [host, expected] of [
      ['a.kmip.example', 'Success'],
      ['a.other.example', 'PermissionDenied'],
    ] as const) {
      const { der } = await requestOf({
        subject: 'CN=x',
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
      });
      const request = { ...carrying('2.1', der), Attributes: having(linkTo(issuer.certificate)) };
      t.equal(await outcome(service, '2.1', Certify, request), expected, host);
    }
});

t.test(
  'no certificate below a revoked or compromised authority, and none for a compromised key',
  async (t) => {
    for (const [which, refusal] of [
      ['root', 'PermissionDenied'],
      ['middle', 'ItemNotFound'],
    ] as const) {
      const service = await opened(t);
      const root = await authority(service, 'Root');
      const middle = await subordinate(service, root, 'Middle');
      const leaf = await certified(service, middle, 'leaf');
      await succeed(service, '2.1', Revoke, {
        UniqueIdentifier: { root, middle }[which].certificate,
        RevocationReason: { RevocationReasonCode: 'CACompromise' },
      });
      const again = { UniqueIdentifier: leaf.publicKey, Attributes: having(linkTo(middle.certificate)) };
      t.equal(await outcome(service, '2.1', Certify, again), refusal, which);
    }
    const service = await opened(t);
    const root = await authority(service, 'Root');
    for (const half of ['privateKey', 'publicKey', 'certificate'] as const) {
      const leaf = await certified(service, root, 'leaf');
      const { der } = await requestOf({ subject: 'CN=leaf', keys: await extracted(service, leaf) });
      await succeed(service, '2.1', Revoke, {
        UniqueIdentifier: leaf[half],
        RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
      });
      for (const request of [
        carrying('2.1', der),
        { UniqueIdentifier: leaf.publicKey, Attributes: having(...name('Subject', { CN: 'leaf' })) },
      ])
        t.equal(await outcome(service, '2.1', Certify, request), 'WrongKeyLifecycleState', half);
      t.equal(
        await outcome(service, '2.1', ReCertify, { UniqueIdentifier: leaf.certificate }),
        'WrongKeyLifecycleState',
        half,
      );
    }
  },
);

t.test('content is taken over from certificates that the server issued, of that very key', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const pair = await keyPair(service, p256, 'CertificateSign');
  const brought = await forged(service, {
    subject: 'CN=brought',
    keys: await extracted(service, pair),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.ExtendedKeyUsageExtension(['2.5.29.37.0', '1.3.6.1.5.5.7.3.9']),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'bank.example' }]),
    ],
  });
  const id = await registered(
    service,
    brought,
    attribute('Link', { LinkType: 'PublicKeyLink', LinkedObjectIdentifier: pair.publicKey }),
  );
  for (const [how, result] of [
    [
      'Re-certify',
      await succeed(service, '2.1', ReCertify, {
        UniqueIdentifier: id,
        Attributes: having(linkTo(root.certificate)),
      }),
    ],
    [
      'Certify',
      await succeed(service, '2.1', Certify, {
        UniqueIdentifier: pair.publicKey,
        Attributes: having(...name('Subject', { CN: 'brought' }), linkTo(root.certificate)),
      }),
    ],
  ] as const) {
    const made = await details(await certificateOf(service, result.UniqueIdentifier));
    t.match(made, { authority: false, extendedKeyUsage: [], alternativeNames: [] }, how);
  }
});

t.test('a later authority of a name changes nothing for the key that has issued under it', async (t) => {
  const service = await opened(t);
  const first = await authority(service, 'Root');
  const leaf = await certified(service, first, 'leaf');
  const second = await authority(service, 'ROOT');
  const pair = await keyPair(service);
  const request = (...more: Attribute[]) => ({
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...name('Subject', { CN: 'x' }), ...more),
  });
  const issuerOf = async (...more: Attribute[]) =>
    (await links(service, (await succeed(service, '2.1', Certify, request(...more))).UniqueIdentifier))
      .CertificateLink;
  t.equal(await issuerOf(...name('Issuer', { CN: 'Root' })), first.certificate, 'by name');
  t.equal(await issuerOf(), first.certificate, 'the only one');
  t.equal(await issuerOf(linkTo(second.certificate)), second.certificate, 'by its object');
  t.equal(await issuerOf(...name('Issuer', { CN: 'Root' })), first.certificate, 'that claims no name');
  const { UniqueIdentifier: renewed } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: leaf.certificate,
  });
  t.equal(
    (await links(service, renewed)).CertificateLink,
    first.certificate,
    'Re-certify: the key that signed',
  );
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: first.certificate,
    RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
  });
  for (const more of [[], name('Issuer', { CN: 'Root' })])
    t.equal(
      await outcome(service, '2.1', Certify, request(...more)),
      'ItemNotFound',
      'not even when it is gone',
    );
  t.equal(
    await outcome(service, '2.1', ReCertify, { UniqueIdentifier: renewed }),
    'ItemNotFound',
    'Re-certify changes no keys',
  );
});

t.test('a Replacement Object Link does not replace an issuer', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const other = await authority(service, 'Other');
  await succeed(service, '2.1', AddAttribute, {
    UniqueIdentifier: root.certificate,
    NewAttribute: attribute('Link', {
      LinkType: 'ReplacementObjectLink',
      LinkedObjectIdentifier: other.certificate,
    }),
  });
  const { UniqueIdentifier } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: (await keyPair(service)).publicKey,
    Attributes: having(...name('Subject', { CN: 'x' }), ...name('Issuer', { CN: 'Root' })),
  });
  t.equal((await links(service, UniqueIdentifier)).CertificateLink, root.certificate);
});

t.test('an authority issues nothing while a certificate above it is gone', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const middle = await subordinate(service, root, 'Middle');
  const lower = await subordinate(service, middle, 'Lower');
  const certify = async () =>
    outcome(service, '2.1', Certify, {
      UniqueIdentifier: (await keyPair(service)).publicKey,
      Attributes: having(...name('Subject', { CN: 'x' }), linkTo(lower.certificate)),
    });
  t.equal(await certify(), 'Success');
  const { UniqueIdentifier: copy } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: middle.certificate,
  });
  for (const id of [middle.certificate, copy]) {
    const RevocationReason = { RevocationReasonCode: 'Superseded' };
    t.equal(await certify(), 'Success', 'one is left');
    await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
  }
  t.equal(await certify(), 'PermissionDenied', 'none is left');
});
