import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { TestService } from '../../service.ts';
import {
  aes,
  algorithm,
  ask,
  attributeOf,
  contact,
  having,
  length,
  named,
  outcome,
  refuses,
  succeed,
  testedVersions,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('Create Key Pair makes a linked pair in every version', async (t) => {
  const cases: [name: string, common: Attribute[], bits: number][] = [
    ['RSA', [algorithm('RSA'), length(2048)], 2048],
    [
      'EC by curve',
      [algorithm('ECDSA'), { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_384' } }],
      384,
    ],
    ['EC by length', [algorithm('ECDSA'), length(521)], 521],
    ['EC without either', [algorithm('ECDSA')], 256],
  ];
  for (const version of testedVersions) {
    for (const [name, common, bits] of version === '1.2' || version === '2.0' ? cases.slice(1, 2) : cases) {
      const { payload, fields, message } = await ask(service, version, CreateKeyPair, {
        CommonAttributes: having(...common),
      });
      t.equal(
        fields,
        'PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier',
        `${version} ${name} ${message ?? ''}`,
      );
      const [priv, pub] = [payload.PrivateKeyUniqueIdentifier, payload.PublicKeyUniqueIdentifier];
      t.equal(await attributeOf(service, priv, 'CryptographicLength'), bits);
      t.equal(await attributeOf(service, pub, 'CryptographicLength'), bits);
      t.match(await attributeOf(service, priv, 'Link'), {
        LinkType: 'PublicKeyLink',
        LinkedObjectIdentifier: pub,
      });
      t.match(await attributeOf(service, pub, 'Link'), {
        LinkType: 'PrivateKeyLink',
        LinkedObjectIdentifier: priv,
      });
      t.equal((await succeed(service, version, Get, { UniqueIdentifier: priv })).ObjectType, 'PrivateKey');
    }
  }
  const edwards = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(algorithm('Ed25519')),
  });
  t.equal(
    await attributeOf(service, edwards.PrivateKeyUniqueIdentifier, 'CryptographicAlgorithm'),
    'Ed25519',
  );
});

t.test('Create Key Pair gives each half the common attributes and its own', async (t) => {
  const made = await succeed(service, '1.4', CreateKeyPair, {
    CommonAttributes: having(algorithm('ECDSA'), contact('both')),
    PrivateKeyAttributes: having(named('private'), contact('private')),
    PublicKeyAttributes: having(named('public')),
  });
  const of = (id: string, name: Attribute['name']) => attributeOf(service, id, name);
  t.match(await of(made.PrivateKeyUniqueIdentifier, 'Name'), { NameValue: 'private' });
  t.match(await of(made.PublicKeyUniqueIdentifier, 'Name'), { NameValue: 'public' });
  t.equal(await of(made.PrivateKeyUniqueIdentifier, 'ContactInformation'), 'private');
  t.equal(await of(made.PublicKeyUniqueIdentifier, 'ContactInformation'), 'both');
});

const pair = (...attributes: readonly Attribute[]) => ({ CommonAttributes: having(...attributes) });

t.test('Create Key Pair refuses contradictory attributes', async (t) => {
  await refuses(t, service, CreateKeyPair, [
    ['nothing said', {}, 'InvalidField'],
    ['a symmetric algorithm', pair(...aes), 'InvalidField'],
    [
      'a short RSA key',
      pair(algorithm('RSA'), length(512)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'a huge RSA key',
      pair(algorithm('RSA'), length(1_000_000)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'a negative length',
      pair(algorithm('RSA'), length(-2048)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    ['a length no curve has', pair(algorithm('ECDSA'), length(257)), 'InvalidField'],
    [
      'halves that differ',
      { PrivateKeyAttributes: having(algorithm('ECDSA')), PublicKeyAttributes: having(algorithm('RSA')) },
      'InvalidField',
    ],
    [
      'a length that contradicts the curve',
      pair(algorithm('ECDSA'), length(384), {
        name: 'CryptographicDomainParameters',
        value: { RecommendedCurve: 'P_256' },
      }),
      'InvalidField',
      'InvalidAttributeValue',
    ],
    [
      'a public half that cannot be made',
      {
        CommonAttributes: having(algorithm('ECDSA')),
        PublicKeyAttributes: having({ name: 'State', value: 'Active' }),
      },
      'InvalidField',
      'AttributeReadOnly',
    ],
  ]);
});

t.test('Cryptographic Length of a curve may count whole bytes, as in Register', async (t) => {
  const rows = [
    ['P_521', 521, 'Success'],
    ['P_521', 528, 'Success'],
    ['P_521', 512, 'InvalidAttributeValue'],
    ['K_283', 288, 'Success'],
    ['P_256', 255, 'InvalidAttributeValue'],
    [undefined, 528, 'Success'],
    [undefined, 520, 'InvalidField'],
  ] as const;
  for (const [curve, bits, expected] of rows) {
    const domain: Attribute[] =
      curve === undefined
        ? []
        : [{ name: 'CryptographicDomainParameters', value: { RecommendedCurve: curve } }];
    const request = {
      CommonAttributes: having({ name: 'CryptographicAlgorithm', value: 'EC' }, length(bits), ...domain),
      PrivateKeyAttributes: having({ name: 'CryptographicUsageMask', value: 1 }),
      PublicKeyAttributes: having({ name: 'CryptographicUsageMask', value: 2 }),
    };
    t.equal(await outcome(service, '2.1', CreateKeyPair, request), expected, `${curve} ${bits}`);
  }
});
