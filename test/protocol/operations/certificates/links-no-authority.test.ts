import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { LinkType } from '../../../../codec/enums.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { ReKeyKeyPair } from '../../../../src/operations/creation/re-key-key-pair.ts';
import { Encrypt } from '../../../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { attributeOf, attributesOf, having, named, outcome, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  certified,
  keyPair,
  links,
  mask,
  name,
  opened,
} from './authority.ts';

/** Every Link by which an operation finds an object, changed by another client of the group. */

/** Replaces the Links of an object by one. */
async function relink(service: TestService, id: string, LinkType: LinkType, to: string): Promise<void> {
  const has = (await attributesOf(service, id)).some((each) => each.name === 'Link');
  if (has)
    await succeed(service, '2.1', DeleteAttribute, {
      UniqueIdentifier: id,
      AttributeReference: { name: 'Link' },
    });
  const NewAttribute = attribute('Link', { LinkType, LinkedObjectIdentifier: to });
  await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: id, NewAttribute });
}

/** Copies an object by Get and Register, so that nothing but Links tells its pair. */
async function registered(
  service: TestService,
  id: string,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const { Object: object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  const copy = await succeed(service, '2.1', Register, {
    ObjectType: object?.type as never,
    Object: object as never,
    Attributes: having(attribute('ActivationDate', service.now / 1000), ...attributes),
  });
  return copy.UniqueIdentifier;
}

const selfIssued = (common: string) =>
  having(...name('Subject', { CN: common, O: 'Test' }), ...name('Issuer', { CN: common, O: 'Test' }));

const rsa: readonly Attribute[] = [
  attribute('CryptographicAlgorithm', 'RSA'),
  attribute('CryptographicLength', 2048),
];

async function wrappingPair(service: TestService) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...rsa, attribute('ActivationDate', service.now / 1000)),
    PrivateKeyAttributes: having(mask('UnwrapKey')),
    PublicKeyAttributes: having(mask('WrapKey')),
  });
  return { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
}

const wrapUnder = (UniqueIdentifier: string) => ({
  WrappingMethod: 'Encrypt',
  AttributeName: [],
  EncryptionKeyInformation: {
    UniqueIdentifier,
    CryptographicParameters: { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' },
  },
});

t.test('a Private Key Link to the key of an authority signs nothing for another key', async (t) => {
  for (const kind of ['made', 'registered'] as const) {
    const service = await opened(t);
    const root = await authority(service);
    const pair = await keyPair(service);
    const publicKey = kind === 'made' ? pair.publicKey : await registered(service, pair.publicKey);
    await relink(service, publicKey, 'PrivateKeyLink', root.privateKey);
    const request = { UniqueIdentifier: publicKey, Attributes: selfIssued('Root') };
    t.not(await outcome(service, '2.1', Certify, request), 'Success', `${kind}: issuer = subject`);
    await relink(service, root.privateKey, 'PublicKeyLink', publicKey);
    t.not(await outcome(service, '2.1', Certify, request), 'Success', `${kind}: from both sides`);
  }
});

t.test('a Public Key Link of a certificate renews no other key, and gives it no certificate', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const [old, victim] = [await certified(service, root, 'old'), await certified(service, root, 'victim')];
  await relink(service, old.certificate, 'PublicKeyLink', victim.publicKey);
  const { UniqueIdentifier: id } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: old.certificate,
    Attributes: having(
      attribute('Link', { LinkType: 'CertificateLink', LinkedObjectIdentifier: root.certificate }),
    ),
  });
  t.notOk('PublicKeyLink' in (await links(service, id)));
  t.equal((await links(service, victim.publicKey)).CertificateLink, victim.certificate);
});

t.test('a wrapped key goes to the pair of the key that is named, whatever its Links say', async (t) => {
  const service = await opened(t);
  const [victim, thief] = [await wrappingPair(service), await wrappingPair(service)];
  const secret = await keyPair(service);
  for (const kind of ['made', 'registered'] as const) {
    const privateKey =
      kind === 'made' ? victim.privateKey : await registered(service, victim.privateKey, mask('UnwrapKey'));
    await relink(service, privateKey, 'PublicKeyLink', thief.publicKey);
    const request = { UniqueIdentifier: secret.privateKey, KeyWrappingSpecification: wrapUnder(privateKey) };
    const result = await outcome(service, '2.1', Get, { UniqueIdentifier: victim.publicKey });
    t.equal(result, 'Success');
    if (kind === 'registered') {
      t.equal(await outcome(service, '2.1', Get, request), 'InvalidObjectType', 'the link is no pair');
      await relink(service, privateKey, 'PublicKeyLink', victim.publicKey);
    }
    const { Object: object } = await succeed(service, '2.1', Get, request);
    for (const [who, unwraps] of [
      [victim, true],
      [thief, false],
    ] as const) {
      const result = await outcome(service, '2.1', Register, {
        ObjectType: 'PrivateKey',
        Object: object as never,
        Attributes: having(mask('Sign')),
      });
      t.equal(result, 'Success', 'a wrapped key is stored as it is');
      t.equal(await unwrapsUnder(service, object, who.privateKey), unwraps, `${kind}: ${who === victim}`);
    }
  }
});

/** Whether the private key of the identifier decrypts the Key Value. */
async function unwrapsUnder(service: TestService, object: unknown, id: string): Promise<boolean> {
  const { KeyBlock } = (object as { value: { KeyBlock: { KeyValue: Uint8Array } } }).value;
  const { Object: key } = await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  const { value } = key as {
    value: { KeyBlock: { KeyFormatType: 'PKCS_8'; KeyValue: { KeyMaterial: Uint8Array } } };
  };
  const plain = {
    objectType: 'PrivateKey',
    KeyFormatType: value.KeyBlock.KeyFormatType,
    KeyMaterial: value.KeyBlock.KeyValue.KeyMaterial,
    CryptographicAlgorithm: 'RSA',
  } as const;
  const parameters = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;
  try {
    await nodeCrypto.unwrap(plain, parameters, { data: KeyBlock.KeyValue });
    return true;
  } catch {
    return false;
  }
}

t.test('Re-key Key Pair replaces the public key of the pair, and never one that a Link names', async (t) => {
  const service = await opened(t);
  const [own, victim] = [await keyPair(service), await keyPair(service)];
  await succeed(service, '2.1', AddAttribute, {
    UniqueIdentifier: victim.publicKey,
    NewAttribute: named('payments'),
  });
  const copy = await registered(service, own.privateKey, mask('Sign'));
  for (const privateKey of [own.privateKey, copy]) {
    await relink(service, privateKey, 'PublicKeyLink', victim.publicKey);
    const made = await outcome(service, '2.1', ReKeyKeyPair, { PrivateKeyUniqueIdentifier: privateKey });
    t.equal(made, privateKey === copy ? 'ObjectNotFound' : 'Success');
    t.match(await attributeOf(service, victim.publicKey, 'Name'), { NameValue: 'payments' });
    t.notOk('ReplacementObjectLink' in (await links(service, victim.publicKey)));
  }
});

t.test('the second half of an AES-XTS key is the one that was stated first', async (t) => {
  const service = await opened(t);
  const half = (filling: number, ...attributes: Attribute[]) =>
    succeed(service, '2.1', Register, {
      ObjectType: 'SymmetricKey',
      Attributes: having(mask('Encrypt'), attribute('ActivationDate', 1), ...attributes),
      Object: {
        type: 'SymmetricKey',
        value: {
          KeyBlock: {
            KeyFormatType: 'Raw',
            KeyValue: { KeyMaterial: new Uint8Array(32).fill(filling), Attributes: [] },
            CryptographicAlgorithm: 'AES',
            CryptographicLength: 256,
          },
        },
      },
    }).then(({ UniqueIdentifier }) => UniqueIdentifier);
  const next = (id: string) => attribute('Link', { LinkType: 'NextLink', LinkedObjectIdentifier: id });
  const [second, foreign] = [await half(2), await half(3)];
  const encrypted = async (UniqueIdentifier: string) =>
    (
      await succeed(service, '2.1', Encrypt, {
        UniqueIdentifier,
        CryptographicParameters: { BlockCipherMode: 'XTS' },
        IVCounterNonce: new Uint8Array(16),
        Data: new Uint8Array(32),
      })
    ).Data?.toHex();
  const stated = await half(1, next(second));
  const added = await half(1);
  await relink(service, added, 'NextLink', second);
  const expected = await encrypted(stated);
  t.equal(await encrypted(added), expected);
  for (const key of [stated, added]) {
    await relink(service, key, 'NextLink', foreign);
    t.equal(await encrypted(key), expected, 'a changed Link');
    await succeed(service, '2.1', DeleteAttribute, {
      UniqueIdentifier: key,
      AttributeReference: { name: 'Link' },
    });
    t.equal(await encrypted(key), expected, 'no Link');
  }
});

t.test('a PKCS#12 holds the certificates of its key alone', async (t) => {
  const service = await opened(t);
  const root: Authority = await authority(service);
  const [own, other] = [await certified(service, root, 'own'), await certified(service, root, 'other')];
  const { UniqueIdentifier: password } = await succeed(service, '2.1', Register, {
    ObjectType: 'SecretData',
    Attributes: having(mask('DeriveKey')),
    Object: {
      type: 'SecretData',
      value: {
        SecretDataType: 'Password',
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: new Uint8Array(12).fill(65), Attributes: [] },
        },
      },
    },
  });
  await succeed(service, '2.1', Activate, { UniqueIdentifier: password });
  const file = { UniqueIdentifier: own.privateKey, KeyFormatType: 'PKCS_12' };
  const link = (LinkType: LinkType, to: string) =>
    attribute('Link', { LinkType, LinkedObjectIdentifier: to });
  const reset = async (first: string, second: string) => {
    await relink(service, own.privateKey, 'PKCS_12PasswordLink', password);
    await succeed(service, '2.1', AddAttribute, {
      UniqueIdentifier: own.privateKey,
      NewAttribute: link('PKCS_12CertificateLink', first),
    });
    await relink(service, first, 'PKCS_12CertificateLink', second);
    return outcome(service, '2.1', Get, file);
  };
  t.equal(await reset(own.certificate, root.certificate), 'Success');
  t.equal(await reset(other.certificate, root.certificate), 'InvalidField', 'of another key');
  t.equal(await reset(own.certificate, other.certificate), 'InvalidField', 'not the issuer');
});
