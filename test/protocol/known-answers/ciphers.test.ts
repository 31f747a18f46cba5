import t from 'tap';
import type { BlockCipherMode, CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { symmetric } from '../operations/transfer/wrapping-keys.ts';
import { decryptionFailed, failureOf, fieldOf, hex, testedVersions, VectorClient } from './vector-client.ts';
import { readVectors, type Vector } from './vectors.ts';

const client = await VectorClient.open(t);

/** What is asked beside the data, and with which key. */
async function request(vector: Vector): Promise<{
  readonly UniqueIdentifier: string;
  readonly CryptographicParameters: CryptographicParameters;
  readonly IVCounterNonce?: Uint8Array;
}> {
  const key = symmetric(
    vector.bytes('Key'),
    vector.requireText<CryptographicAlgorithm & string>('Algorithm'),
  );
  const mode = vector.text('Mode') as BlockCipherMode | undefined;
  const counter = vector.text('Counter');
  const iv = vector.optionalBytes('IV');
  return {
    UniqueIdentifier: await client.registerKey(key, 'Encrypt', 'Decrypt'),
    CryptographicParameters: {
      ...(mode === undefined ? {} : { BlockCipherMode: mode }),
      ...(mode === 'ECB' || mode === 'CBC' ? { PaddingMethod: 'None' } : {}),
      ...(counter === undefined ? {} : { InitialCounterValue: Number(counter) }),
      ...(vector.has('Tag') ? { TagLength: vector.bytes('Tag').length } : {}),
    },
    ...(iv === undefined ? {} : { IVCounterNonce: iv }),
  };
}

/** New encryption takes no such vectors, also where the mode does. */
const isShortVector = (vector: Vector) => (vector.optionalBytes('IV') ?? new Uint8Array(8)).length < 8;

const whole = new Set(['XTS', 'CCM', 'NISTKeyWrap', 'AESKeyWrapPadding']);

t.test('ciphers encrypt and decrypt as published, whole and in parts', async (t) => {
  for (const vector of [...readVectors('ciphers.txt'), ...readVectors('key-wrap.txt')]) {
    const common = await request(vector);
    const Data = vector.optionalBytes('Plain');
    const sealed = vector.bytes('Encrypted');
    for (const version of testedVersions) {
      const opened = await client.request(version, Decrypt, { ...common, Data: sealed });
      if (Data === undefined) {
        t.equal(failureOf(opened), decryptionFailed, `${version} ${vector.name}: forged`);
        continue;
      }
      t.equal(fieldOf(opened, 'Data'), hex(Data), `${version} ${vector.name}: decrypted`);
      const made = await client.request(version, Encrypt, { ...common, Data });
      t.equal(fieldOf(made, 'Data'), hex(sealed), `${version} ${vector.name}: encrypted`);
      if (whole.has(vector.text('Mode') ?? '')) continue;
      const parts = await client.requestInParts(version, Encrypt, { ...common, Data });
      t.equal(hex(parts.output), hex(sealed), `${version} ${vector.name}: encrypted in parts`);
      const back = await client.requestInParts(version, Decrypt, { ...common, Data: sealed });
      t.equal(hex(back.output), hex(Data), `${version} ${vector.name}: decrypted in parts`);
    }
  }
});

t.test('authenticated modes yield the published tag, in its field and behind the data', async (t) => {
  for (const vector of readVectors('authenticated.txt')) {
    const common = await request(vector);
    const tag = vector.bytes('Tag');
    const additional = vector.optionalBytes('Additional');
    const beside = additional === undefined ? {} : { AuthenticatedEncryptionAdditionalData: additional };
    const Data = vector.optionalBytes('Plain');
    const sealed = vector.bytes('Encrypted');
    for (const version of testedVersions) {
      const name = `${version} ${vector.name}`;
      const given = { ...common, ...beside };
      const closed = { ...given, Data: sealed, AuthenticatedEncryptionTag: tag };
      const opened = await client.request(version, Decrypt, closed);
      if (Data === undefined) {
        t.equal(failureOf(opened), decryptionFailed, `${name}: forged`);
        continue;
      }
      t.equal(fieldOf(opened, 'Data'), hex(Data), `${name}: decrypted`);
      const made = await client.request(version, Encrypt, { ...given, Data });
      if (isShortVector(vector)) {
        t.match(failureOf(made), /at least 8 bytes/, `${name}: not encrypted`);
        continue;
      }
      t.equal(fieldOf(made, 'Data'), hex(sealed), `${name}: encrypted`);
      t.equal(fieldOf(made, 'AuthenticatedEncryptionTag'), hex(tag), `${name}: tag`);
      if (whole.has(vector.text('Mode') ?? '')) continue;
      const parts = await client.requestInParts(version, Encrypt, { ...given, Data });
      t.equal(hex(parts.output), hex(sealed), `${name}: encrypted in parts`);
      t.equal(hex(parts.last['AuthenticatedEncryptionTag']), hex(tag), `${name}: tag of parts`);
      const last = { AuthenticatedEncryptionTag: tag };
      const back = await client.requestInParts(version, Decrypt, { ...given, Data: sealed }, last);
      t.equal(hex(back.output), hex(Data), `${name}: decrypted in parts`);
    }
    if (additional !== undefined) continue;
    const joined = Uint8Array.from([...sealed, ...tag]);
    const old = await client.request('1.2', Decrypt, { ...common, Data: joined });
    if (Data === undefined) t.equal(failureOf(old), decryptionFailed, `1.2 ${vector.name}: forged`);
    else {
      t.equal(fieldOf(old, 'Data'), hex(Data), `1.2 ${vector.name}: decrypted`);
      if (isShortVector(vector)) continue;
      const made = await client.request('1.2', Encrypt, { ...common, Data });
      t.equal(fieldOf(made, 'Data'), hex(joined), `1.2 ${vector.name}: encrypted`);
    }
  }
});
