import t from 'tap';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { ask, attributeOf, having, outcome, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  forgetRecords,
  keyPair,
  links,
  linkTo,
  mask,
  name,
  opened,
} from './authority.ts';
import { domainPolicy, openPolicies } from './policies.ts';

/** A request that names no issuer is for the authority that could issue first; a later one receives none. */

t.setTimeout(600_000);

type Tap = Parameters<typeof opened>[0];
const second = 1_000;

/** Registers the certificate of an authority that was made elsewhere, and then its key. */
async function bring(
  t: Tap,
  service: TestService,
  common: string,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<Authority> {
  const elsewhere = await opened(t);
  const made = await authority(elsewhere, common);
  const { Object: value } = await succeed(elsewhere, '2.1', Get, { UniqueIdentifier: made.privateKey });
  const active = attribute('ActivationDate', service.now / 1000);
  const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(active),
    Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: made.der } },
  });
  await meanwhile();
  const { UniqueIdentifier: privateKey } = await succeed(service, '2.1', Register, {
    ObjectType: 'PrivateKey',
    Attributes: having(active, mask('CertificateSign'), linkTo(certificate)),
    Object: value,
  });
  return { ...made, privateKey, certificate };
}

/** Asks for a certificate without an issuer; returns the certificate of the issuer, or the refusal. */
async function issuerOf(service: TestService): Promise<string | undefined> {
  const { publicKey } = await keyPair(service);
  const request = { UniqueIdentifier: publicKey, Attributes: having(...name('Subject', { CN: 'x y' })) };
  const { status, reason, payload } = await ask(service, '2.1', Certify, request);
  return status === 'Success' ? (await links(service, payload.UniqueIdentifier)).CertificateLink : reason;
}

const makers: Readonly<Record<string, (t: Tap, service: TestService, common: string) => Promise<Authority>>> =
  {
    Certify: (_, service, common) => authority(service, common),
    Register: bring,
  };

/** What a client does so that others would not reach the first authority. */
const disturbances: Readonly<
  Record<string, (t: Tap, service: TestService, first: Authority) => Promise<unknown>>
> = {
  'an authority by Certify': (_, service) => authority(service, 'Later'),
  'an authority by Register': (t, service) => bring(t, service, 'Later'),
  'another name for the first one': (_, service, first) =>
    succeed(service, '2.1', Certify, {
      UniqueIdentifier: first.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Else' }),
        ...name('Issuer', { CN: 'Else' }),
        mask('CertificateSign'),
      ),
    }),
};

async function deleteLinks(service: TestService, ids: readonly string[]): Promise<void> {
  for (const id of ids)
    while ((await attributeOf(service, id, 'Link')) !== undefined)
      await succeed(service, '2.1', DeleteAttribute, {
        UniqueIdentifier: id,
        AttributeReference: { name: 'Link' },
      } as never);
}

t.test('a later authority receives no request that names none', async (t) => {
  for (const [way, make] of Object.entries(makers))
    for (const [what, disturb] of Object.entries(disturbances))
      for (const hasIssued of [true, false]) {
        if (way === 'Register' && what.startsWith('another name')) continue;
        const service = await opened(t);
        const first = await make(t, service, 'First');
        if (hasIssued) t.equal(await issuerOf(service), first.certificate);
        service.now += second;
        await disturb(t, service, first);
        t.equal(await issuerOf(service), first.certificate, `${way}, ${what}, has issued: ${hasIssued}`);
      }
});

t.test('neither deleted Links nor many keys hide the first authority', async (t) => {
  const service = await opened(t);
  const first = await authority(service, 'First');
  const renewing = { UniqueIdentifier: first.certificate };
  const { UniqueIdentifier: renewed } = await succeed(service, '2.1', ReCertify, renewing);
  service.now += second;
  await authority(service, 'Later');
  await deleteLinks(service, [first.certificate, renewed, first.privateKey, first.publicKey]);
  t.equal(await issuerOf(service), renewed, 'without Links');
  for (let count = 0; count < 64; count++) {
    const { privateKey } = await keyPair(service, undefined, 'CertificateSign');
    await succeed(service, '2.1', Activate, { UniqueIdentifier: privateKey });
  }
  t.equal(await issuerOf(service), renewed, 'behind 64 keys');
});

t.test('an authority of an older database precedes those that come later', async (t) => {
  const service = await opened(t);
  const first = await authority(service, 'First');
  await forgetRecords(service);
  service.now += second;
  await bring(t, service, 'Later');
  t.equal(await issuerOf(service), first.certificate);
});

t.test('an authority whose key comes last is not first by its certificate', async (t) => {
  const service = await opened(t);
  let first: Authority | undefined;
  await bring(t, service, 'Later', async () => {
    service.now += second;
    first = await authority(service, 'First');
    service.now += second;
  });
  t.equal(await issuerOf(service), first?.certificate);
});

t.test('an authority that may not issue yet has no place before the others', async (t) => {
  const service = await opened(t);
  await authority(service, 'Later', undefined, attribute('ActivationDate', service.now / 1000 + 5));
  service.now += second;
  const first = await authority(service, 'First');
  service.now += 10 * second;
  t.equal(await issuerOf(service), first.certificate);
});

t.test('the next authority takes over when the first one may not issue any more', async (t) => {
  const service = await opened(t);
  const made: Authority[] = [];
  for (const common of ['First', 'Second', 'Third']) {
    made.push(await authority(service, common));
    service.now += second;
  }
  for (const { certificate } of made) {
    t.equal(await issuerOf(service), certificate);
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: certificate,
      RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
    });
  }
  t.equal(await issuerOf(service), 'ItemNotFound');
});

t.test('where only listed authorities issue, the first one of them receives the requests', async (t) => {
  const { service, authorities } = await openPolicies(t, { onlyListedAuthorities: true });
  const made: Authority[] = [];
  for (const common of ['First', 'Second', 'Third']) {
    made.push(await authority(service, common));
    service.now += second;
  }
  const [, listed, other] = made as [Authority, Authority, Authority];
  for (const { certificate } of [other, listed]) authorities.set(certificate, domainPolicy);
  t.equal(await issuerOf(service), listed.certificate);
});

t.test('of authorities that came at one time none is the first before it issues', async (t) => {
  const service = await opened(t);
  const made = [await bring(t, service, 'One'), await bring(t, service, 'Other')];
  t.equal(await issuerOf(service), 'InvalidField');
  const [, issuing] = made as [Authority, Authority];
  const request = {
    UniqueIdentifier: (await keyPair(service)).publicKey,
    Attributes: having(...name('Subject', { CN: 'x y' }), linkTo(issuing.certificate)),
  };
  t.equal(await outcome(service, '2.1', Certify, request), 'Success');
  t.equal(await issuerOf(service), issuing.certificate);
});
