import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Validate } from '../../src/operations/certificates/validate.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { ask, having, succeed } from '../protocol/operations/ask.ts';
import { authority, day, opened } from '../protocol/operations/certificates/authority.ts';
import { openPolicies } from '../protocol/operations/certificates/policies.ts';
import type { TestService } from '../protocol/service.ts';
import { authorityKeys, type Chain, damages, issued, limited, signedOutside } from './generated-chains.ts';

/**
 * Chains of certificates that kmipd issues, good ones and such as are bad in one place, are judged alike by
 * Validate, by `openssl verify -x509_strict` and by GnuTLS.
 */

type Judge = (chain: Chain) => Promise<boolean>;

/**
 * Where a validator differs for a good reason, by what is wrong with the chain: it accepts what the others
 * refuse.
 *
 * | chain | validator | reason |
 * | --- | --- | --- |
 * | at another time than now | gnutls | certtool of Debian 12 has no option for the time: it judges now |
 */
const differences: Readonly<Record<string, readonly string[]>> = {
  'before its time': ['gnutls'],
  'after its time': ['gnutls'],
};

const isMissing = (program: string, argument: string): boolean => {
  try {
    execFileSync(program, [argument], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
};
const skip =
  (isMissing('openssl', 'version') && "openssl's command line is not here") ||
  (isMissing('certtool', '--version') && "GnuTLS's certtool is not here") ||
  false;

const folder = mkdtempSync(join(tmpdir(), 'kmipd-chains-'));
t.teardown(() => rmSync(folder, { recursive: true }));
let files = 0;

function pem(...ders: readonly Uint8Array[]): string {
  const path = join(folder, `${(files += 1)}.pem`);
  const block = (der: Uint8Array) =>
    `-----BEGIN CERTIFICATE-----\n${der.toBase64().replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  writeFileSync(path, ders.map(block).join(''));
  return path;
}

/** Whether a program exits with 0. */
const passes = (program: string, args: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(program, args, (error) => resolve(error === null));
  });

const openssl: Judge = ({ ders, at }) => {
  const [leaf, ...issuers] = ders as [Uint8Array, ...Uint8Array[]];
  const root = issuers.pop() as Uint8Array;
  const options = ['-x509_strict', '-auth_level', '2', '-attime', String(at), '-CAfile', pem(root)];
  const untrusted = issuers.length === 0 ? [] : ['-untrusted', pem(...issuers)];
  return passes('openssl', ['verify', ...options, ...untrusted, pem(leaf)]);
};

const gnutls: Judge = ({ ders }) => {
  const [root, chain] = [ders.at(-1) as Uint8Array, ders.slice(0, -1)];
  const files = [`--load-ca-certificate=${pem(root)}`, `--infile=${pem(...chain)}`];
  return passes('certtool', ['--verify', '--verify-profile=medium', ...files]);
};

const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;

/** A service that trusts the root of a chain, and has nothing else. */
function kmipd(services: Map<string, Promise<TestService>>): Judge {
  const open = async (root: Uint8Array) => {
    const service = await opened(t);
    await succeed(service, '2.1', Register, {
      ObjectType: 'Certificate',
      Attributes: having(),
      Object: { type: 'Certificate', value: inline(root) },
    });
    return service;
  };
  return async ({ ders, at }) => {
    const root = ders.at(-1) as Uint8Array;
    const service = services.get(root.toHex()) ?? open(root);
    services.set(root.toHex(), service);
    const request = { Certificate: ders.slice(0, -1).map(inline), UniqueIdentifier: [], ValidityDate: at };
    const { payload, status } = await ask(await service, '2.1', Validate, request);
    // Certificates that are no chain are refused.
    return status === 'Success' && payload.ValidityIndicator === 'Valid';
  };
}

t.test('three validators judge chains alike', { skip, timeout: 900_000 }, async (t) => {
  const service = await opened(t);
  // GnuTLS judges by the clock of the machine.
  service.now = Math.floor(Date.now() / 1000) * 1000 - 2 * day * 1000;
  const at = service.now / 1000;
  const judges = { kmipd: kmipd(new Map()), openssl, gnutls } as const;
  const chains: Chain[] = [];
  const good = await Array.fromAsync(issued(service, at));
  const other = await opened(t);
  other.now = service.now;
  const twins = new Map<string, readonly Uint8Array[]>();
  for (const [kind, key] of Object.entries(authorityKeys))
    twins.set(kind, [(await authority(other, `Root ${kind}`, key)).der]);
  const kinds = Object.entries(damages);
  for (const [index, chain] of good.entries()) {
    chains.push(chain);
    for (const step of [0, 2, 4]) {
      const [what, damage] = kinds[(index + step) % kinds.length] as (typeof kinds)[number];
      const damaged = damage(chain, twins.get(chain.what.split(',')[0] as string) ?? []);
      if (damaged !== undefined)
        chains.push({ ...chain, ...damaged, what: `${what}: ${chain.what}`, isGood: false });
    }
  }
  chains.push(...(await Array.fromAsync(signedOutside(service, at))));
  const bound = await openPolicies(t);
  bound.service.now = service.now;
  chains.push(...(await Array.fromAsync(limited(bound, at))));
  t.ok(chains.length >= 200, `${chains.length} chains`);
  for (const chain of chains) {
    const { what, isGood } = chain;
    const accepted = differences[what.split(':')[0] as string] ?? [];
    const judged = Object.entries(judges).map(async ([judge, decide]) => {
      t.equal(await decide(chain), isGood || accepted.includes(judge), `${judge}: ${what}`);
    });
    await Promise.all(judged);
  }
});
