import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask, ProtectionStorageMask } from '../../../codec/masks.ts';
import type { Client } from '../../client.ts';
import { having } from '../../protocol/operations/ask.ts';
import type { TestService } from '../../protocol/service.ts';
import type { SoftToken } from './soft-token.ts';
import { TokenHome } from './token-home.ts';

/** A daemon that makes keys of clients in a token; its root is a file. */

export async function openKeyHome(
  t: Pick<Test, 'teardown' | 'equal'>,
  token: SoftToken,
  settings: Readonly<Record<string, string>> = {},
  name = 'keys',
): Promise<TokenHome> {
  const home = new TokenHome(t, token, {}, name);
  const made = await home.kmipd('init', '--metrics', '127.0.0.1:0');
  t.equal(made.code, 0, made.output);
  home.configure('token', JSON.stringify(token.uriText('')));
  for (const [key, value] of Object.entries(settings)) home.configure(key, value);
  return home;
}

/** Lets `ask` of the protocol's tests send by a connection. */
export function over(client: Client): TestService {
  return {
    exchange: (version, items, header) => client.request(version, items, header),
  } satisfies Pick<TestService, 'exchange'> as unknown as TestService;
}

export const hardware = { ProtectionStorageMask: [ProtectionStorageMask.bit('Hardware')] };
export const software = { ProtectionStorageMask: [ProtectionStorageMask.bit('Software')] };

type Bit = Parameters<typeof CryptographicUsageMask.bit>[0];

const active: Attribute = { name: 'ActivationDate', value: 1_600_000_000 };

/** Attributes of an active key of that algorithm and mask. */
export function keyAttributes(algorithm: string, bits: number | undefined, ...mask: readonly Bit[]) {
  return having(
    { name: 'CryptographicAlgorithm', value: algorithm } as Attribute,
    ...(bits === undefined ? [] : [{ name: 'CryptographicLength', value: bits } as const]),
    maskOf(...mask),
    active,
  );
}

export function maskOf(...mask: readonly Bit[]): Attribute {
  const value = mask.reduce((all, bit) => all | CryptographicUsageMask.bit(bit), 0);
  return { name: 'CryptographicUsageMask', value };
}

/** The CKA_ID of all keys in the token, as its library says. */
export function keysInToken(token: SoftToken): readonly string[] {
  const output = token.run('pkcs11-tool', ...token.pkcs11Arguments, '-O');
  return [...output.matchAll(/ID:\s+([0-9a-f]{32})/g)].map(([, id = '']) => id).sort();
}

/** Resolves once the token has fewer keys than before. */
export async function isGone(token: SoftToken, before: readonly string[]): Promise<void> {
  while (keysInToken(token).length >= before.length) await sleep(200);
}
