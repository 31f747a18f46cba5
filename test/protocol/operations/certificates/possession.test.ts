import { webcrypto } from 'node:crypto';
import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import {
  attribute,
  ca,
  carrying,
  clientKeys,
  keyPair,
  linkTo,
  mask,
  name,
  opened,
  requestOf,
  signOutside,
} from './authority.ts';
import { bringing, brought, broughtKey, broughtPublicKey, inline, pairWith } from './brought.ts';

/** An authority is certified for a client that has its private key, and binds no key of others. */

t.setTimeout(600_000);

const own: Attribute = attribute('ObjectGroup', 'own');
const limited = { rights: [{ groups: ['own'] }] };
const senders = { 'no ticket': {}, 'a Right without limits': { rights: [{}] }, 'a limited Right': limited };

/** An authority that may issue under every sender. */
async function issuing(service: TestService): Promise<string> {
  const { publicKey } = await pairWith(service, [own], [own]);
  const names = [...name('Subject', { CN: 'Issuer' }), ...name('Issuer', { CN: 'Issuer' })];
  const Attributes = having(...names, mask('CertificateSign'), own);
  return (await succeed(service, '2.1', Certify, { UniqueIdentifier: publicKey, Attributes }))
    .UniqueIdentifier;
}

const spkiOf = async ({ publicKey }: webcrypto.CryptoKeyPair) =>
  new Uint8Array(await webcrypto.subtle.exportKey('spki', publicKey));
const stating = (isAuthority: boolean, issuer: string) =>
  having(
    ...name('Subject', { CN: 'subject' }),
    linkTo(issuer),
    own,
    mask(isAuthority ? 'CertificateSign' : 'Sign'),
  );

interface Asked {
  readonly service: TestService;
  readonly issuer: string;
  readonly isAuthority: boolean;
}

/** What the client names; prepares it without a ticket and returns the request. */
const claims: Readonly<
  Record<string, (asked: Asked) => Promise<readonly [typeof Certify | typeof ReCertify, object]>>
> = {
  'a public key': async ({ service }) => [
    Certify,
    { UniqueIdentifier: await broughtPublicKey(service, await spkiOf(await clientKeys()), own) },
  ],
  'a public key whose private half is here': async ({ service }) => [
    Certify,
    { UniqueIdentifier: (await pairWith(service, [own], [own])).publicKey },
  ],
  'a public key whose private half is elsewhere': async ({ service }) => [
    Certify,
    { UniqueIdentifier: (await pairWith(service, [], [own])).publicKey },
  ],
  'a certificate request': async ({ isAuthority }) => [
    Certify,
    carrying('2.1', (await requestOf({ extensions: isAuthority ? [ca()] : [] })).der),
  ],
  'a certificate, again': async ({ service, issuer, isAuthority }) => [
    ReCertify,
    {
      UniqueIdentifier: (
        await succeed(service, '2.1', Certify, {
          ...carrying('2.1', (await requestOf({ extensions: isAuthority ? [ca()] : [] })).der),
          Attributes: stating(isAuthority, issuer),
        })
      ).UniqueIdentifier,
    },
  ],
  'a certificate of a user, as authority': async ({ service, issuer }) => [
    ReCertify,
    {
      UniqueIdentifier: (
        await succeed(service, '2.1', Certify, {
          ...carrying('2.1', (await requestOf()).der),
          Attributes: stating(false, issuer),
        })
      ).UniqueIdentifier,
    },
  ],
  'a certificate that was brought': async ({ service, isAuthority }) => {
    const keys = await clientKeys();
    const extensions = isAuthority ? [ca()] : [];
    const der = await signOutside(service.now, { subject: [{ CN: ['brought'] }], keys, extensions });
    return [ReCertify, { UniqueIdentifier: await brought(service, der, own) }];
  },
};

/** The outcomes of a user's certificate and of an authority, each without and with a limited Right. */
const outcomes: Readonly<Record<keyof typeof claims, readonly [string, string, string, string]>> = {
  'a public key': ['Success', 'PermissionDenied', 'PermissionDenied', 'PermissionDenied'],
  'a public key whose private half is here': ['Success', 'Success', 'Success', 'Success'],
  'a public key whose private half is elsewhere': ['Success', 'NotAuthorised', 'Success', 'NotAuthorised'],
  'a certificate request': ['Success', 'Success', 'Success', 'PermissionDenied'],
  'a certificate, again': ['Success', 'Success', 'Success', 'PermissionDenied'],
  'a certificate of a user, as authority': ['Success', 'Success', 'PermissionDenied', 'PermissionDenied'],
  'a certificate that was brought': ['Success', 'PermissionDenied', 'PermissionDenied', 'PermissionDenied'],
};

for (const [what, claim] of Object.entries(claims))
  t.test(`${what}: the proof that a certificate needs`, async (t) => {
    for (const isAuthority of [false, true])
      for (const [who, sender] of Object.entries(senders)) {
        const service = await opened(t);
        const issuer = await issuing(service);
        const [operation, request] = await claim({ service, issuer, isAuthority });
        service.sender = sender;
        const asked = { ...request, Attributes: stating(isAuthority, issuer) };
        const expected = outcomes[what]?.[Number(isAuthority) * 2 + Number(sender === limited)];
        const answer = await outcome(service, '2.1', operation, asked as never);
        t.equal(answer, expected, `${isAuthority ? 'an authority' : 'a user'}, ${who}`);
      }
  });

t.test('a limited Right records nothing of the key of an authority outside it', async (t) => {
  const service = await opened(t);
  const keys = await clientKeys();
  const issuer = { name: [{ CN: ['Outside'] }], keys: await clientKeys() };
  const subject = [{ CN: ['Sub'] }];
  const der = await signOutside(service.now, { subject, keys, issuer, extensions: [ca()] });
  const sub = await brought(service, der);
  await broughtKey(service, keys, linkTo(sub));
  const leaf = await keyPair(service);
  const evil = await issuing(service);
  const copy = await broughtPublicKey(service, await spkiOf(keys), own);
  const evilKeys = await clientKeys();
  const crossed = await signOutside(service.now, {
    subject,
    keys,
    issuer: { name: [{ CN: ['Evil'] }], keys: evilKeys },
    extensions: [ca(0)],
  });
  const { der: request } = await requestOf({ subject: 'CN=Sub', extensions: [ca()], keys });
  const attacks = {
    'Certify of the public key': [Certify, { UniqueIdentifier: copy, Attributes: stating(true, evil) }],
    'Certify of a request': [Certify, { ...carrying('2.1', request), Attributes: stating(true, evil) }],
    'Register of a certificate': [Register, bringing(crossed, own)],
    'Register of a copy': [Register, bringing(der, own)],
    'Import of a certificate': [
      Import,
      {
        UniqueIdentifier: 'crossed',
        Attributes: [own],
        Object: { type: 'Certificate', value: inline(crossed) },
      },
    ],
  } as const;
  for (const [how, [operation, asked]] of Object.entries(attacks)) {
    service.sender = limited;
    t.match(await outcome(service, '2.1', operation, asked as never), /PermissionDenied|NotAuthorised/, how);
    service.sender = {};
    const Attributes = having(...name('Subject', { CN: how }), linkTo(sub));
    const below = { UniqueIdentifier: leaf.publicKey, Attributes };
    t.equal(await outcome(service, '2.1', Certify, below), 'Success', `the authority issues after ${how}`);
  }
});
