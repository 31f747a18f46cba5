import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { defaultCertificationRules, type NamingPolicy } from '../../../../src/common/certification-rules.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { ask, attributeOf, having, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  ca,
  carrying,
  certificateOf,
  constraints,
  ecdsa,
  extracted,
  linkTo,
  mask,
  name,
  type Pair,
  p256,
  permitted,
  readX509,
  signOutside,
  spellingsOf,
} from './authority.ts';
import { domainPolicy } from './policies.ts';

/**
 * However the certificate of an authority came into the group, and whatever clients do to it, its limits hold
 * for the key.
 */

t.setTimeout(900_000);

const own: Attribute = { name: 'ObjectGroup', value: 'own' };
const value = (der: Uint8Array) =>
  ({ type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: der } }) as const;
const link = (LinkedObjectIdentifier: string): Attribute =>
  attribute('Link', { LinkType: 'PrivateKeyLink', LinkedObjectIdentifier });

/** The group in which an authority is limited. */
interface Group {
  readonly service: TestService;
  /** Puts a policy in force for an authority. */
  list(id: string): void;
  readonly root: Authority;
  /** The keys of the limited authority. */
  readonly pair: Pair;
}

/** A certificate that limits its key. */
interface Limited {
  readonly subject: x509.JsonName;
  readonly extensions: readonly x509.Extension[];
  readonly isSelfSigned: boolean;
}

const policy: NamingPolicy = { ...domainPolicy, commonName: 'hosts' };

async function open(): Promise<Group> {
  const authorities = new Map<string, NamingPolicy>();
  const service = await TestService.open({ certification: { ...defaultCertificationRules, authorities } });
  const root = await authority(service, 'Root');
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...p256, own),
    PrivateKeyAttributes: having(mask('Sign', 'CertificateSign')),
    PublicKeyAttributes: having(mask('Verify')),
  });
  const pair = { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
  await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
  return { service, root, pair, list: (id) => authorities.set(id, policy) };
}

/** Signs the certificate outside the server, with the key of the group's root or of another authority. */
async function sign(
  { service, root, pair }: Group,
  { subject, extensions, isSelfSigned }: Limited,
): Promise<Uint8Array> {
  const issuer = { name: readX509(root.der).subjectName.toJSON(), keys: await extracted(service, root) };
  const keys = await extracted(service, pair);
  return signOutside(service.now, { subject, keys, issuer: isSelfSigned ? undefined : issuer, extensions });
}

async function certify({ service, root, pair }: Group, limited: Limited): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: limited.subject,
      extensions: [...limited.extensions],
      signingAlgorithm: ecdsa,
      keys: await extracted(service, pair),
    },
    webcrypto as Crypto,
  );
  const issuer = limited.isSelfSigned ? name('Issuer', { CN: 'Below' }) : [linkTo(root.certificate)];
  const { UniqueIdentifier } = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    ...carrying('2.1', new Uint8Array(request.rawData)),
    Attributes: having(mask('CertificateSign'), ...issuer),
  });
  return UniqueIdentifier;
}

async function register({ service }: Group, der: Uint8Array, ...more: Attribute[]): Promise<string> {
  const object = { ObjectType: 'Certificate', Attributes: having(...more), Object: value(der) } as const;
  return (await succeed(service, '2.1', Register, object)).UniqueIdentifier;
}
const replaceBy = ({ service }: Group, UniqueIdentifier: string, der: Uint8Array) =>
  succeed(service, '2.1', Import, {
    UniqueIdentifier,
    ObjectType: 'Certificate',
    ReplaceExisting: true,
    Attributes: [],
    Object: value(der),
  });

/** Every way in; returns the identifiers of the objects with the certificate. */
const ways: Readonly<Record<string, (group: Group, limited: Limited) => Promise<readonly string[]>>> = {
  Register: async (group, limited) => [
    await register(group, await sign(group, limited), link(group.pair.privateKey)),
  ],
  Import: async (group, limited) => {
    await replaceBy(group, 'imported', await sign(group, limited));
    return ['imported'];
  },
  'Import with Replace Existing': async (group, limited) => {
    const id = await register(group, group.root.der);
    await replaceBy(group, id, await sign(group, limited));
    return [id];
  },
  Certify: async (group, limited) => [await certify(group, limited)],
  'Re-certify': async (group, limited) => {
    const first = await certify(group, limited);
    const again = await succeed(group.service, '2.1', ReCertify, { UniqueIdentifier: first });
    return [first, again.UniqueIdentifier];
  },
};

async function end({ service }: Group, id: string): Promise<void> {
  if ((await attributeOf(service, id, 'State')) !== 'Active') return;
  const RevocationReason = { RevocationReasonCode: 'Superseded' } as const;
  await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason });
}

/** What clients do to the object, beside the deletion of all Links. */
const hidings: Readonly<Record<string, (group: Group, id: string) => Promise<unknown>>> = {
  'without Links': async () => {},
  archived: ({ service }, id) => succeed(service, '2.1', Archive, { UniqueIdentifier: id }),
  destroyed: async (group, id) => {
    await end(group, id);
    await succeed(group.service, '2.1', Destroy, { UniqueIdentifier: id });
  },
  'replaced by Import': async (group, id) => {
    await end(group, id);
    await replaceBy(group, id, group.root.der);
  },
  'outside a limited Right': async ({ service }) => {
    service.sender = { rights: [{ groups: ['own'] }] };
  },
};

async function deleteLinks({ service, pair }: Group, ids: readonly string[]): Promise<void> {
  for (const id of [...ids, pair.privateKey, pair.publicKey])
    while ((await attributeOf(service, id, 'Link')) !== undefined)
      await succeed(service, '2.1', DeleteAttribute, {
        UniqueIdentifier: id,
        AttributeReference: { name: 'Link' },
      } as never);
}

/** Asks for a self-signed authority without limits. */
async function certifyItself({ service, pair }: Group): Promise<string> {
  const answer = await ask(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(
      ...name('Subject', { CN: 'Below' }),
      ...name('Issuer', { CN: 'Below' }),
      mask('CertificateSign'),
      own,
    ),
  });
  if (answer.status !== 'Success') return `${answer.reason}`;
  const der = await certificateOf(service, answer.payload.UniqueIdentifier);
  const { pathLength, nameConstraints } = await nodeCrypto.certification.readCertificate(der);
  return `path length ${pathLength}, name constraints ${nameConstraints?.toHex()}`;
}

/** Issues by the key with another certificate, of an authority that the client has brought. */
async function certifyOutsidePolicy(group: Group): Promise<string> {
  const { service, root, pair, list } = group;
  const { sender } = service;
  service.sender = {};
  const other = await authority(service, 'Own');
  const crossed = await sign(
    { ...group, root: other },
    { subject: [{ CN: ['Else'] }], extensions: [ca()], isSelfSigned: false },
  );
  const active = attribute('ActivationDate', service.now / 1000);
  const id = await register(group, crossed, link(pair.privateKey), active, own);
  list(root.certificate);
  service.sender = sender;
  const { status, message } = await ask(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...name('Subject', { CN: 'a.bank.example' }), linkTo(id), own),
  });
  return message ?? status;
}

interface Limit extends Omit<Limited, 'subject'> {
  /** What the client attempts, and the answer. */
  attempt(group: Group): Promise<string>;
  readonly expected: string | RegExp;
  /** Certify takes no name constraints from a request. */
  readonly isBrought?: boolean;
}
const limits: Readonly<Record<string, Limit>> = {
  'path length': {
    extensions: [ca(1)],
    isSelfSigned: true,
    attempt: certifyItself,
    expected: 'path length 1, name constraints undefined',
  },
  'name constraints': {
    extensions: [ca(), permitted],
    isSelfSigned: true,
    attempt: certifyItself,
    expected: `path length undefined, name constraints ${constraints}`,
    isBrought: true,
  },
  'an authority above': {
    extensions: [ca()],
    isSelfSigned: false,
    attempt: certifyItself,
    expected: 'PermissionDenied',
  },
  'the naming policy of an authority above': {
    extensions: [ca()],
    isSelfSigned: false,
    attempt: certifyOutsidePolicy,
    expected: /policy of an authority/,
  },
};

for (const [what, limit] of Object.entries(limits))
  t.test(`${what}: a certificate binds its key however it came and is hidden`, async (t) => {
    for (const [way, enter] of Object.entries(ways))
      for (const [how, hide] of Object.entries(hidings))
        for (const [spelling, subject] of Object.entries(spellingsOf('Below'))) {
          if (limit.isBrought && way.endsWith('ertify')) continue;
          // One spelling meets every way and end; the others meet one way of each kind.
          const isSpelled = how === 'without Links' && /^(Register|Certify)$/.test(way);
          if (spelling !== 'another letter case' && !isSpelled) continue;
          const group = await open();
          const ids = await enter(group, { ...limit, subject });
          await deleteLinks(group, ids);
          for (const id of ids) await hide(group, id);
          t.match(await limit.attempt(group), limit.expected, `${way}, ${how}, ${spelling}`);
          await group.service.close();
        }
  });
