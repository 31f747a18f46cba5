import t from 'tap';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { readJson, writeJson } from '../../src/common/json.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { RandomIvUseCounter } from '../../src/protocol/batch/random-iv-uses.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { bytes, enumerated, text } from '../client.ts';
import { active, withMask } from './keys.ts';
import { outcome, succeed } from './operations/ask.ts';
import { counted, encryptWith, register, secret, symmetric } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/** Tests that the encryptions of a key under vectors of the server are counted and end (decision 28). */

const service = await TestService.open();
t.teardown(() => service.close());

const kind = 'random-iv-uses';
const block = 2 ** 16;
const data = counted(32);
const mask = withMask('Encrypt', 'Decrypt', 'WrapKey');
const newKey = (algorithm: 'AES' | 'ChaCha20' | 'ChaCha20Poly1305' = 'AES') =>
  register(service, symmetric(counted(32), algorithm), active, mask);
const beginUnit = () => new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1 });

async function reserved(key: string): Promise<number | undefined> {
  const record = await beginUnit().record(kind, key);
  return record && readJson<{ uses: number }>(record.content).uses;
}

async function setReserved(key: string, uses: number): Promise<void> {
  const unit = beginUnit();
  await unit.record(kind, key);
  unit.putRecord(kind, key, 'g', writeJson({ uses }));
  await unit.commit();
}

t.test('uses are counted where a repeated vector would reveal the data, and only those', async (t) => {
  const target = await register(service, secret(counted(16)), active);
  const rows: readonly (readonly [string, string, CryptographicParameters, boolean])[] = [
    ['no parameters', await newKey(), {}, true],
    ['GCM', await newKey(), { BlockCipherMode: 'GCM' }, true],
    ['CCM', await newKey(), { BlockCipherMode: 'CCM' }, true],
    ['ChaCha20', await newKey('ChaCha20'), {}, true],
    ['ChaCha20-Poly1305', await newKey('ChaCha20Poly1305'), {}, true],
    ['CBC', await newKey(), { BlockCipherMode: 'CBC' }, false],
    ['CTR', await newKey(), { BlockCipherMode: 'CTR' }, false],
  ];
  for (const [name, UniqueIdentifier, CryptographicParameters, isCounted] of rows) {
    const request = { UniqueIdentifier, CryptographicParameters, Data: data };
    const ivBytes = name === 'CBC' || name === 'CTR' ? 16 : 12;
    await succeed(service, '2.1', Encrypt, { ...request, IVCounterNonce: new Uint8Array(ivBytes) });
    t.equal(await reserved(UniqueIdentifier), undefined, `${name}: a vector of the client`);
    for (let use = 0; use < 3; use += 1) await succeed(service, '2.1', Encrypt, request);
    t.equal(await reserved(UniqueIdentifier), isCounted ? block : undefined, `${name}: one block for all`);
  }
  const inParts = await newKey();
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier: inParts, InitIndicator: true, Data: data });
  t.equal(await reserved(inParts), block, 'in parts');
  const wrapping = await newKey();
  const gcm = { BlockCipherMode: 'GCM' } as const;
  await succeed(service, '2.1', Get, { UniqueIdentifier: target, ...encryptWith(wrapping, {}, gcm) });
  t.equal(await reserved(wrapping), block, 'wrapping');
});

t.test('neither Undo nor a failed item nor a restart lowers the count', async (t) => {
  const undone = await newKey();
  // AES without parameters is GCM.
  const encrypt = { operation: 'Encrypt', payload: [text('UniqueIdentifier', undone), bytes('Data', data)] };
  const failing = { operation: 'Get', payload: [text('UniqueIdentifier', 'nobody')] };
  const option = enumerated('BatchErrorContinuationOption', 3);
  await service.batch('1.4', [encrypt, failing], [option]);
  t.equal(await reserved(undone), block, 'undone');
  await service.restart();
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier: undone, Data: data });
  t.equal(await reserved(undone), 2 * block, 'another process takes a block of its own');
});

t.test('a key ends before 2^32 uses, for vectors of the server only', async (t) => {
  const UniqueIdentifier = await newKey();
  const request = { UniqueIdentifier, Data: data };
  await setReserved(UniqueIdentifier, 2 ** 32 - 2 * block);
  const made = await succeed(service, '2.1', Encrypt, request);
  t.equal(await reserved(UniqueIdentifier), 2 ** 32 - block, 'the last block');
  await service.restart();
  for (const [version, reason] of [
    ['1.2', 'PermissionDenied'],
    ['1.4', 'PermissionDenied'],
    ['2.1', 'UsageLimitExceeded'],
  ] as const) {
    t.equal(await outcome(service, version, Encrypt, request), reason, version);
    if (version === '1.2') continue;
    t.equal(
      await outcome(service, version, Encrypt, { ...request, InitIndicator: true }),
      reason,
      'in parts',
    );
  }
  t.equal(await outcome(service, '2.1', Decrypt, made), 'Success', 'old data stays readable');
  const own = { ...request, IVCounterNonce: new Uint8Array(12) };
  t.equal(await outcome(service, '2.1', Encrypt, own), 'Success', 'a vector of the client');
  t.same(service.unexpected, []);
});

t.test('a block holds 2^16 uses, and concurrent uses share one reservation', async (t) => {
  const uses = new RandomIvUseCounter(beginUnit);
  await Promise.all(Array.from({ length: 100 }, () => uses.count('g', 'many')));
  t.equal(await reserved('many'), block);
  for (let use = 100; use < block; use += 1) await uses.count('g', 'many');
  t.equal(await reserved('many'), block, 'the last of the block');
  await uses.count('g', 'many');
  t.equal(await reserved('many'), 2 * block, 'one more');
  const nodes = [
    new RandomIvUseCounter(beginUnit),
    new RandomIvUseCounter(beginUnit),
    new RandomIvUseCounter(beginUnit),
  ];
  await Promise.all(nodes.map((node) => node.count('g', 'shared')));
  t.equal(await reserved('shared'), 3 * block, 'nodes that count at once lose no block of each other');
});
