import type { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { RevocationReasonCode } from '../../../../codec/enums.ts';
import type { Principal } from '../../../../src/identity/principal.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import type { TestService } from '../../service.ts';
import { ask, attributeOf, having, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  ca,
  carrying,
  certificateOf,
  clientKeys,
  extracted,
  forgetRecords,
  linkTo,
  mask,
  name,
  opened,
  permitted,
  requestOf,
  signOutside,
  subordinate,
} from './authority.ts';
import { brought, broughtKey, inline } from './brought.ts';

/** What binds an authority binds every client, whatever the Rights of its ticket reach. */

t.setTimeout(900_000);

const own: Attribute = attribute('ObjectGroup', 'own');
/** The senders of a request about those objects. */
const senders = (objects: readonly string[]): Readonly<Record<string, Partial<Principal>>> => ({
  'no ticket': {},
  'a Right without limits': { rights: [{}] },
  'a Right to objects': { rights: [{ objects: [...objects], groups: ['own'] }] },
  'a Right to an Object Group': { rights: [{ groups: ['own'] }] },
});

/** A group with a root of which limited Rights know nothing, and what is below it within the Rights. */
interface Group {
  readonly service: TestService;
  readonly root: { readonly id: string; readonly der: Uint8Array };
  readonly below: { readonly id: string; readonly key: string; readonly der: Uint8Array };
  readonly leaf: { readonly id: string; readonly der: Uint8Array; readonly keys: webcrypto.CryptoKeyPair };
}

async function open(t: Parameters<typeof opened>[0], extensions: readonly x509.Extension[]): Promise<Group> {
  const service = await opened(t);
  const [rootKeys, keys] = [await clientKeys(), await clientKeys()];
  const name = [{ CN: ['Outside'] }];
  const root = await signOutside(service.now, { subject: name, keys: rootKeys, extensions });
  const issuer = { name, keys: rootKeys };
  const below = await signOutside(service.now, {
    subject: [{ CN: ['Below'] }],
    keys,
    issuer,
    extensions: [ca()],
  });
  const rootId = await brought(service, root);
  const id = await brought(service, below, own);
  const key = await broughtKey(service, keys, own, linkTo(id));
  const leafKeys = await clientKeys();
  const request = await leafOf(id, 'kmip.example', leafKeys);
  const { UniqueIdentifier: leaf } = await succeed(service, '2.1', Certify, request);
  return {
    service,
    root: { id: rootId, der: root },
    below: { id, key, der: below },
    leaf: { id: leaf, der: await certificateOf(service, leaf), keys: leafKeys },
  };
}

/** Builds the request for a certificate of a host. */
async function leafOf(issuer: string, host: string, keys: webcrypto.CryptoKeyPair) {
  const alternative = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]);
  const { der } = await requestOf({ subject: 'CN=leaf', extensions: [alternative], keys });
  return { ...carrying('2.1', der), Attributes: having(linkTo(issuer), own) };
}

const tell = ({ status, reason, message }: { status: string; reason?: unknown; message?: unknown }) =>
  status === 'Success' ? status : `${reason}: ${message}`;

/** Everything by which a client could have the authority below the root issue a certificate. */
const attempts: Readonly<Record<string, (group: Group, host: string) => Promise<string>>> = {
  Certify: async ({ service, below, leaf }, host) =>
    tell(await ask(service, '2.1', Certify, await leafOf(below.id, host, leaf.keys))),
  'Re-certify': async ({ service, below, leaf }, host) => {
    const request = await leafOf(below.id, host, leaf.keys);
    return tell(await ask(service, '2.1', ReCertify, { UniqueIdentifier: leaf.id, ...request }));
  },
};

const revoke =
  (RevocationReasonCode: RevocationReasonCode) =>
  ({ service, root }: Group) =>
    succeed(service, '2.1', Revoke, {
      UniqueIdentifier: root.id,
      RevocationReason: { RevocationReasonCode },
    });

/** What binds the authority below the root, and a host that it may not certify any more. */
const limits: Readonly<
  Record<string, { host?: string; bind?: (group: Group) => Promise<unknown>; isEnd?: boolean }>
> = {
  'Name Constraints of the root': { host: 'www.evil.example' },
  'a root that is superseded': { bind: revoke('Superseded'), isEnd: true },
  'a root that is compromised': { bind: revoke('KeyCompromise'), isEnd: true },
  'a copy of the root that has ended': {
    bind: ({ service, root }) =>
      brought(service, root.der, attribute('DeactivationDate', service.now / 1000 - 1)),
    isEnd: true,
  },
};

for (const [what, { host = 'kmip.example', bind, isEnd = false }] of Object.entries(limits))
  for (const isOlder of [false, true])
    t.test(`${what}${isOlder ? ' in an older database' : ''} binds whatever Rights reach`, async (t) => {
      const group = await open(t, [ca(1), permitted]);
      const { service, root, below, leaf } = group;
      if (isOlder) await forgetRecords(service);
      const answers = new Map<string, Set<string>>();
      for (const [who, sender] of Object.entries(senders([below.id, below.key, leaf.id]))) {
        service.sender = sender;
        for (const [how, attempt] of Object.entries(attempts))
          t.equal(await attempt(group, 'kmip.example'), 'Success', `${how} before, ${who}`);
      }
      service.sender = {};
      await bind?.(group);
      for (const [who, sender] of Object.entries(senders([below.id, below.key, leaf.id]))) {
        service.sender = sender;
        const told = new Set<string>();
        for (const [how, attempt] of Object.entries(attempts)) {
          const answer = await attempt(group, host);
          t.match(answer, /^PermissionDenied/, `${how}, ${who}`);
          told.add(answer);
        }
        answers.set(who, told);
        const Certificate = [leaf.der, below.der, root.der].map(inline);
        const { ValidityIndicator: judged } = await succeed(service, '2.1', Validate, {
          Certificate,
          UniqueIdentifier: [],
        });
        if (isEnd) t.equal(judged, 'Invalid', `Validate, ${who}`);
      }
      const limited = [answers.get('a Right to objects'), answers.get('a Right to an Object Group')];
      for (const told of limited)
        t.same([...(told ?? [])], ['PermissionDenied: the authority may not issue this certificate']);
    });

t.test('the key of a subordinate signs no authority for itself', async (t) => {
  const request = (common: string, { publicKey }: Authority) => ({
    UniqueIdentifier: publicKey,
    Attributes: having(
      ...name('Subject', { CN: common }),
      ...name('Issuer', { CN: common }),
      mask('CertificateSign'),
      own,
    ),
  });
  for (const isOlder of [false, true])
    for (const isCovered of [false, true]) {
      const service = await opened(t);
      const middle = await subordinate(service, await authority(service), 'Middle');
      await separate(service, middle);
      if (isOlder) await forgetRecords(service);
      if (isCovered) {
        const subject = [{ CN: ['Cover'] }];
        const keys = await extracted(service, middle);
        await brought(service, await signOutside(service.now, { subject, keys, extensions: [ca()] }));
      }
      const { 'a Right to an Object Group': _, ...able } = senders([middle.publicKey, middle.privateKey]);
      for (const [who, sender] of Object.entries(able))
        for (const common of ['Middle', 'Other']) {
          service.sender = sender;
          const told = tell(await ask(service, '2.1', Certify, request(common, middle)));
          const label = `${who}, ${common}, ${isOlder ? 'an older database' : ''}, ${isCovered ? 'covered' : ''}`;
          t.match(told, /^PermissionDenied/, label);
        }
    }
});

/** Deletes all Links but those of the two keys to each other. */
async function separate(service: TestService, { privateKey, publicKey, certificate }: Authority) {
  for (const UniqueIdentifier of [privateKey, publicKey, certificate])
    while ((await attributeOf(service, UniqueIdentifier, 'Link')) !== undefined)
      await succeed(service, '2.1', DeleteAttribute, {
        UniqueIdentifier,
        AttributeReference: { name: 'Link' },
      } as never);
  for (const [UniqueIdentifier, LinkType, LinkedObjectIdentifier] of [
    [publicKey, 'PrivateKeyLink', privateKey],
    [privateKey, 'PublicKeyLink', publicKey],
  ] as const)
    await succeed(service, '2.1', AddAttribute, {
      UniqueIdentifier,
      NewAttribute: attribute('Link', { LinkType, LinkedObjectIdentifier }),
    });
}
