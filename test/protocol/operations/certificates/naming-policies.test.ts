import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { CertificationRules } from '../../../../src/common/certification-rules.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { authorityKeyKind } from '../../../../src/operations/authority-records.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { ask, having, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  carrying,
  certified,
  keptPair,
  keyPair,
  linkTo,
  mask,
  name,
  requestOf,
  subordinate,
} from './authority.ts';
import { domainPolicy, openPolicies } from './policies.ts';

/** The operator's policies for names bind every way to a certificate of the key, and of keys below it. */

interface Opened {
  readonly service: TestService;
  /** Puts policies in force, by identifiers of certificates, as a reload does. */
  list(...ids: readonly string[]): void;
}

async function open(t: Tap, rules: Partial<CertificationRules> = {}): Promise<Opened> {
  const { service, authorities } = await openPolicies(t, rules);
  return { service, list: (...ids) => ids.forEach((id) => authorities.set(id, domainPolicy)) };
}
interface Tap {
  teardown(close: () => unknown): void;
}

const inside = 'a.kmip.example';
const outside = 'a.bank.example';
const { encodeName, encodeAlternativeName } = nodeCrypto.certification;
const host = async (value: string): Promise<Attribute> =>
  attribute('X_509CertificateSubject', {
    SubjectDistinguishedName: await encodeName({ text: 'CN=x y' }),
    SubjectAlternativeName: [await encodeAlternativeName(value)],
  });

const requestFor = async (value: string) =>
  (
    await requestOf({
      subject: 'CN=x y',
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value }])],
    })
  ).der;

/** Asks for a certificate with that alternative name; undefined when it is made, else the message. */
type Way = (opened: Opened, issuer: Authority, value: string) => Promise<string | undefined>;

async function refusal(service: TestService, ...asked: [typeof Certify | typeof ReCertify, object]) {
  const { status, reason, message } = await ask(service, '2.1', ...(asked as [typeof Certify, object]));
  return status === 'Success' ? undefined : `${reason}: ${message}`;
}

const ways: Readonly<Record<string, Way>> = {
  'Certify with attributes': async ({ service }, issuer, value) =>
    refusal(service, Certify, {
      UniqueIdentifier: (await keyPair(service)).publicKey,
      Attributes: having(await host(value), linkTo(issuer.certificate)),
    }),
  'Certify with a Common Name': async ({ service }, issuer, value) =>
    refusal(service, Certify, {
      UniqueIdentifier: (await keyPair(service)).publicKey,
      Attributes: having(...name('Subject', { CN: value }), linkTo(issuer.certificate)),
    }),
  'Certify with a request': async ({ service }, issuer, value) =>
    refusal(service, Certify, {
      ...carrying('2.1', await requestFor(value)),
      Attributes: having(linkTo(issuer.certificate)),
    }),
  'Certify with a stored request': async ({ service }, issuer, value) => {
    const CertificateRequestValue = await requestFor(value);
    const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
      ObjectType: 'CertificateRequest',
      Attributes: having(),
      Object: {
        type: 'CertificateRequest',
        value: { CertificateRequestType: 'PKCS_10', CertificateRequestValue },
      },
    });
    return refusal(service, Certify, { UniqueIdentifier, Attributes: having(linkTo(issuer.certificate)) });
  },
  'Re-certify with attributes': async ({ service }, issuer, value) => {
    const { certificate } = await certified(service, issuer, 'x y');
    return refusal(service, ReCertify, {
      UniqueIdentifier: certificate,
      Attributes: having(await host(value)),
    });
  },
  'Certify an authority': async ({ service }, issuer, value) =>
    refusal(service, Certify, {
      UniqueIdentifier: (await keptPair(service)).publicKey,
      Attributes: having(await host(value), mask('CertificateSign'), linkTo(issuer.certificate)),
    }),
};

/** Issuers that the policy of the root, which the operator lists, binds. */
const issuers: Readonly<Record<string, (opened: Opened, root: Authority) => Promise<Authority>>> = {
  'the authority that is listed': async (_opened, root) => root,
  'the authority with a renewed certificate': async ({ service }, root) => ({
    ...root,
    certificate: (await succeed(service, '2.1', ReCertify, { UniqueIdentifier: root.certificate }))
      .UniqueIdentifier,
  }),
  'the authority under another name, its listed certificate destroyed': async ({ service }, root) => {
    const renamed = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: root.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Other' }),
        ...name('Issuer', { CN: 'Other' }),
        mask('CertificateSign'),
      ),
    });
    await destroyCertificate(service, root);
    return { ...root, certificate: renamed.UniqueIdentifier };
  },
  'the authority, its listed certificate replaced by Import': async ({ service }, root) => {
    const renewed = await succeed(service, '2.1', ReCertify, { UniqueIdentifier: root.certificate });
    const other = await authority(service, 'Else');
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: root.certificate,
      RevocationReason: { RevocationReasonCode: 'Superseded' },
    });
    await succeed(service, '2.1', Import, {
      UniqueIdentifier: root.certificate,
      ObjectType: 'Certificate',
      ReplaceExisting: true,
      Attributes: [],
      Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: other.der } },
    });
    return { ...root, certificate: renewed.UniqueIdentifier };
  },
  'an authority below': ({ service }, root) => subordinate(service, root, 'Below', keptPair),
  'an authority two below': async ({ service }, root) =>
    subordinate(service, await subordinate(service, root, 'Below', keptPair), 'Lowest', keptPair),
  'an authority below that another root has certified too': async ({ service }, root) => {
    const below = await subordinate(service, root, 'Below', keptPair);
    const other = await authority(service, 'Own');
    const crossed = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: below.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Below' }),
        mask('CertificateSign'),
        linkTo(other.certificate),
      ),
    });
    return { ...below, certificate: crossed.UniqueIdentifier };
  },
  'an authority that another root has certified, its own certificate destroyed': async (
    { service },
    root,
  ) => {
    const below = await subordinate(service, root, 'Below', keptPair);
    const other = await authority(service, 'Own');
    const crossed = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: below.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Else' }),
        mask('CertificateSign'),
        linkTo(other.certificate),
      ),
    });
    await destroyCertificate(service, below);
    return { ...below, certificate: crossed.UniqueIdentifier };
  },
};

async function destroyCertificate(service: TestService, { certificate }: Authority): Promise<void> {
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: certificate,
    RevocationReason: { RevocationReasonCode: 'Superseded' },
  });
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: certificate });
}

for (const [who, makeIssuer] of Object.entries(issuers))
  t.test(`the naming policy of an authority binds ${who}`, async (t) => {
    const opened = await open(t);
    const root = await authority(opened.service, 'Root');
    opened.list(root.certificate);
    const issuer = await makeIssuer(opened, root);
    for (const [what, way] of Object.entries(ways)) {
      t.equal(await way(opened, issuer, inside), undefined, `${what}: inside`);
      t.match(
        await way(opened, issuer, outside),
        /^PermissionDenied: .*policy of an authority/,
        `${what}: outside`,
      );
    }
  });

t.test('a policy binds while its listed certificate is being destroyed', async (t) => {
  const opened = await open(t);
  const { service, list } = opened;
  const root = await authority(service, 'Root');
  list(root.certificate);
  const { UniqueIdentifier } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: root.certificate,
  });
  const read = service.store.record.bind(service.store);
  let isDestroyed = false;
  service.store.record = async (kind, id) => {
    const found = await read(kind, id);
    if (kind === authorityKeyKind && !isDestroyed) {
      isDestroyed = true;
      await destroyCertificate(service, root);
    }
    return found;
  };
  const certify = ways['Certify with attributes'] as Way;
  const answer = await certify(opened, { ...root, certificate: UniqueIdentifier }, outside);
  t.match(answer, /^PermissionDenied: .*policy of an authority/);
  t.ok(isDestroyed);
});

t.test('a policy binds content that was certified before, and own certificates', async (t) => {
  const opened = await open(t);
  const { service, list } = opened;
  const root = await authority(service, 'Root');
  const leaf = await certified(service, root, 'x y', await host(outside));
  const selfSigned = (CN: string) =>
    refusal(service, Certify, {
      UniqueIdentifier: root.publicKey,
      Attributes: having(...name('Subject', { CN }), ...name('Issuer', { CN }), mask('CertificateSign')),
    });
  t.equal(await selfSigned(outside), undefined, 'no policy');
  const again = { UniqueIdentifier: leaf.publicKey, Attributes: having(linkTo(root.certificate)) };
  t.equal(await refusal(service, Certify, again), undefined, 'no policy');
  list(root.certificate);
  t.match(await refusal(service, Certify, again), /policy of an authority/, 'Certify');
  const renewal = { UniqueIdentifier: leaf.certificate };
  t.match(await refusal(service, ReCertify, renewal), /policy of an authority/, 'Re-certify');
  t.match(await selfSigned(outside), /policy of an authority/, 'self-signed');
  t.equal(await selfSigned('Root'), undefined, 'a name of an authority');
});

t.test('a policy binds its authority and the keys below only', async (t) => {
  const opened = await open(t);
  const root = await authority(opened.service, 'Root');
  const other = await authority(opened.service, 'Other');
  opened.list(root.certificate, '01890a5d-ac96-774b-bcce-b302099a8057');
  for (const way of Object.values(ways)) t.equal(await way(opened, other, outside), undefined);
});

t.test('with policies, an authority issues only if everything above it is known', async (t) => {
  const opened = await open(t);
  const { service, list } = opened;
  const foreign = await open(t);
  const root = await authority(foreign.service, 'Root');
  const below = await subordinate(foreign.service, root, 'Below');
  const listed = await authority(service, 'Listed');
  const issuer = await moveTo(service, foreign.service, below);
  const certify = ways['Certify with attributes'] as Way;
  t.equal(await certify(opened, issuer, outside), undefined, 'without policies');
  list(listed.certificate);
  t.match(await certify(opened, issuer, inside), /an authority above the issuer is not here/);
  await registerCertificate(service, root.der);
  t.equal(await certify(opened, issuer, outside), undefined, 'with its root');
  list(issuer.certificate);
  t.match(await certify(opened, issuer, outside), /policy of an authority/, 'with a policy of its own');
});

t.test('only listed authorities issue where the operator says so', async (t) => {
  const opened = await open(t, { onlyListedAuthorities: true });
  const { service, list } = opened;
  const root = await authority(service, 'Root');
  const unlisted = `PermissionDenied: the operator has not listed the issuer: [authorities.${root.certificate}]`;
  for (const [what, way] of Object.entries(ways).filter(([each]) => each.startsWith('Certify')))
    t.match(await way(opened, root, inside), unlisted, `${what}, by a Link`);
  for (const attributes of [[], name('Issuer', { CN: 'Root' })]) {
    const { publicKey } = await keyPair(service);
    const request = {
      UniqueIdentifier: publicKey,
      Attributes: having(...name('Subject', { CN: 'x y' }), ...attributes),
    };
    t.match(
      await refusal(service, Certify, request),
      unlisted,
      `${attributes.length} attributes of the issuer`,
    );
  }
  t.equal(await refusal(service, ReCertify, { UniqueIdentifier: root.certificate }), undefined, 'itself');
  list(root.certificate);
  for (const [what, way] of Object.entries(ways)) t.equal(await way(opened, root, inside), undefined, what);
  const below = await subordinate(service, root, 'Below', keptPair);
  const certify = ways['Certify with attributes'] as Way;
  t.match(await certify(opened, below, inside), /has not listed the issuer/, 'an authority below');
  list(below.certificate);
  t.equal(await certify(opened, below, inside), undefined);
});

async function registerCertificate(service: TestService, der: Uint8Array, ...attributes: Attribute[]) {
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(attribute('ActivationDate', service.now / 1000), ...attributes),
    Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: der } },
  });
  return UniqueIdentifier;
}

/** Registers the key and the certificate of an authority of one service in another one. */
async function moveTo(service: TestService, from: TestService, moved: Authority): Promise<Authority> {
  const { Object: value } = await succeed(from, '2.1', Get, { UniqueIdentifier: moved.privateKey });
  const { UniqueIdentifier: privateKey } = await succeed(service, '2.1', Register, {
    ObjectType: 'PrivateKey',
    Attributes: having(attribute('ActivationDate', service.now / 1000), mask('CertificateSign')),
    Object: value,
  });
  const certificate = await registerCertificate(service, moved.der, linkTo(privateKey, 'PrivateKeyLink'));
  return { ...moved, privateKey, certificate };
}
