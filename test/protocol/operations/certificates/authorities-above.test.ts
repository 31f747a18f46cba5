import type { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  ca,
  carrying,
  certificateOf,
  clientKeys,
  extracted,
  keyPair,
  linkTo,
  mask,
  name,
  opened,
  type Pair,
  p256,
  permitted,
  readX509,
  requestOf,
  signOutside,
  spellingsOf,
  subordinate,
} from './authority.ts';

/** The limits of an authority above hold, whatever clients do to its certificate or add to it. */

t.setTimeout(600_000);

const { readCertificate } = nodeCrypto.certification;

const own: Attribute = { name: 'ObjectGroup', value: 'own' };
const value = (der: Uint8Array) =>
  ({ type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: der } }) as const;
const registering = (der: Uint8Array, ...more: readonly Attribute[]) => ({
  ObjectType: 'Certificate' as const,
  Attributes: having(...more),
  Object: value(der),
});
const register = async (service: TestService, der: Uint8Array, ...more: readonly Attribute[]) =>
  (await succeed(service, '2.1', Register, registering(der, ...more))).UniqueIdentifier;
const replacing = (UniqueIdentifier: string, der: Uint8Array) => ({
  UniqueIdentifier,
  ObjectType: 'Certificate' as const,
  ReplaceExisting: true,
  Attributes: [],
  Object: value(der),
});

async function issuingPair(service: TestService): Promise<Awaited<ReturnType<typeof keyPair>>> {
  const pair = await keyPair(service, [...p256, own], 'CertificateSign');
  await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
  return pair;
}

/** Asks the authority for a certificate with that host name. */
async function issue(service: TestService, issuer: string, host: string): Promise<string> {
  const names = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]);
  const { der } = await requestOf({ subject: 'CN=x', extensions: [names] });
  const request = { ...carrying('2.1', der), Attributes: having(linkTo(issuer), own) };
  return outcome(service, '2.1', Certify, request);
}

async function judge(service: TestService, id: string): Promise<unknown> {
  const request = { Certificate: [], UniqueIdentifier: [id] };
  return (await succeed(service, '2.1', Validate, request)).ValidityIndicator;
}

interface Chain {
  readonly service: TestService;
  /** Keys of a root outside the group that permits kmip.example only, and the object of its certificate. */
  readonly keys: webcrypto.CryptoKeyPair;
  readonly root: string;
  /** An authority of the group below it. */
  readonly below: Authority;
}

async function chainBelow(t: Tap, subject: x509.JsonName): Promise<Chain> {
  const service = await opened(t);
  const keys = await clientKeys();
  const rootDer = await signOutside(service.now, { subject, keys, extensions: [ca(), permitted] });
  const root = await register(service, rootDer);
  const pair = await issuingPair(service);
  const issuer = { name: [{ CN: ['Root'] }], keys };
  const der = await signOutside(service.now, {
    subject: [{ CN: ['Below'] }],
    keys: await extracted(service, pair),
    issuer,
    extensions: [ca()],
  });
  const active = attribute('ActivationDate', service.now / 1000);
  const certificate = await register(service, der, linkTo(pair.privateKey, 'PrivateKeyLink'), active, own);
  return { service, keys, root, below: { ...pair, certificate, der } };
}
type Tap = Parameters<typeof opened>[0];

const hidings: Readonly<Record<string, (chain: Chain) => Promise<unknown>>> = {
  stored: async () => {},
  archived: ({ service, root }) => succeed(service, '2.1', Archive, { UniqueIdentifier: root }),
  destroyed: ({ service, root }) => succeed(service, '2.1', Destroy, { UniqueIdentifier: root }),
  'replaced by Import': ({ service, root, below }) =>
    succeed(service, '2.1', Import, replacing(root, below.der)),
  'outside a limited Right': async ({ service }) => {
    service.sender = { rights: [{ groups: ['own'] }] };
  },
};

t.test('an authority above limits by whatever spelling of its name, and however hidden', async (t) => {
  for (const [spelling, subject] of Object.entries(spellingsOf('Root')))
    for (const [how, hide] of Object.entries(hidings)) {
      const chain = await chainBelow(t, subject);
      const { service, below } = chain;
      await hide(chain);
      const what = `${spelling}, ${how}`;
      t.equal(await issue(service, below.certificate, 'a.kmip.example'), 'Success', `${what}: inside`);
      t.equal(
        await issue(service, below.certificate, 'a.bank.example'),
        'PermissionDenied',
        `${what}: outside`,
      );
      const isStored = how === 'stored' || how === 'archived';
      t.equal(await judge(service, below.certificate), isStored ? 'Valid' : 'Unknown', `${what}: Validate`);
    }
});

/** An issuer of the group that permits kmip.example only. */
async function permittedRoot(service: TestService): Promise<Authority> {
  const pair = await issuingPair(service);
  const keys = await extracted(service, pair);
  const der = await signOutside(service.now, {
    subject: [{ CN: ['Root'] }],
    keys,
    extensions: [ca(), permitted],
  });
  const active = attribute('ActivationDate', service.now / 1000);
  return {
    ...pair,
    der,
    certificate: await register(service, der, linkTo(pair.privateKey, 'PrivateKeyLink'), active),
  };
}

/** Ways by which a root certifies the key pair as the authority `Middle`. */
const middles: Readonly<
  Record<string, (service: TestService, root: Authority, pair: Pair) => Promise<Authority>>
> = {
  certified: async (service, root, pair) => {
    const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: pair.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Middle' }),
        mask('CertificateSign'),
        linkTo(root.certificate),
      ),
    });
    return { ...pair, certificate, der: await certificateOf(service, certificate) };
  },
  registered: async (service, root, pair) => {
    const der = await signOutside(service.now, {
      subject: [{ CN: ['Middle'] }],
      keys: await extracted(service, pair),
      issuer: { name: readX509(root.der).subjectName.toJSON(), keys: await extracted(service, root) },
      extensions: [ca()],
    });
    const active = attribute('ActivationDate', service.now / 1000);
    const certificate = await register(service, der, linkTo(pair.privateKey, 'PrivateKeyLink'), active);
    return { ...pair, certificate, der };
  },
};

/** Registers a root of the client and its certificate for the key of the authority. */
async function cross(service: TestService, pair: Pair): Promise<void> {
  const keys = await clientKeys();
  const issuer = { name: [{ CN: ['Own'] }], keys };
  const root = { subject: issuer.name, keys, extensions: [ca()] };
  await register(service, await signOutside(service.now, root));
  const crossed = {
    subject: [{ CN: ['Middle'] }],
    keys: await extracted(service, pair),
    issuer,
    extensions: [ca()],
  };
  await register(service, await signOutside(service.now, crossed));
}

t.test('no certificate that a client adds for an authority above takes away a limit', async (t) => {
  for (const [way, isFirst] of [
    ['certified', true],
    ['certified', false],
    ['registered', false],
  ] as const) {
    const service = await opened(t);
    const root = await permittedRoot(service);
    const pair = await issuingPair(service);
    if (isFirst) await cross(service, pair);
    const middle = await (middles[way] as (typeof middles)[string])(service, root, pair);
    const lower = await subordinate(service, middle, 'Lower');
    if (!isFirst) await cross(service, pair);
    const what = `${way}, ${isFirst ? 'before' : 'after'} it`;
    t.equal(await issue(service, lower.certificate, 'a.kmip.example'), 'Success', `${what}: inside`);
    t.equal(
      await issue(service, lower.certificate, 'a.bank.example'),
      'PermissionDenied',
      `${what}: outside`,
    );
    for (const id of [middle.certificate, lower.certificate])
      t.equal(await judge(service, id), 'Valid', what);
  }
});

t.test(
  'a later certificate of another authority neither stops nor limits the renewals of a root',
  async (t) => {
    const ways: Readonly<Record<string, (service: TestService, root: Authority) => Promise<unknown>>> = {
      'of a client': async (service, root) => {
        const keys = await extracted(service, root);
        const issuer = { name: [{ CN: ['Own'] }], keys: await clientKeys() };
        for (const subject of [readX509(root.der).subjectName.toJSON(), [{ CN: ['Else'] }]])
          await register(
            service,
            await signOutside(service.now, { subject, keys, issuer, extensions: [ca(0), permitted] }),
          );
      },
      'of the group': async (service, root) => {
        const other = await authority(service, 'Own');
        await succeed(service, '2.1', Certify, {
          UniqueIdentifier: root.publicKey,
          Attributes: having(
            ...name('Subject', { CN: 'Else' }),
            mask('CertificateSign'),
            linkTo(other.certificate),
          ),
        });
      },
    };
    for (const [what, certify] of Object.entries(ways)) {
      const service = await opened(t);
      const root = await authority(service);
      await certify(service, root);
      const renewed = await succeed(service, '2.1', ReCertify, { UniqueIdentifier: root.certificate });
      const details = await readCertificate(await certificateOf(service, renewed.UniqueIdentifier));
      t.match(details, { selfSigned: true, pathLength: undefined, nameConstraints: undefined }, what);
    }
  },
);
