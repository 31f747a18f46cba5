import t from 'tap';
import type { BlockCipherMode, CryptographicAlgorithm } from '../../../../codec/enums.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';

/** Tests of IV Length and Tag Length, which clients state in bits or in bytes. */

interface Row {
  readonly algorithm: CryptographicAlgorithm;
  readonly mode?: BlockCipherMode;
  readonly keyBytes: number;
  /** Bytes of vectors that the mode takes. */
  readonly takes: readonly number[];
  /** Bytes of vectors that the server makes, where IV Length asks for them. */
  readonly makes: readonly number[];
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const rows: readonly Row[] = [
  ...(['CBC', 'CFB', 'OFB', 'CTR'] as const).map(
    (mode): Row => ({ algorithm: 'AES', mode, keyBytes: 16, takes: [16], makes: [16] }),
  ),
  { algorithm: 'AES', mode: 'XTS', keyBytes: 32, takes: [16], makes: [16] },
  { algorithm: 'AES', mode: 'GCM', keyBytes: 16, takes: upTo(1, 128), makes: upTo(12, 16) },
  { algorithm: 'AES', mode: 'CCM', keyBytes: 16, takes: upTo(7, 13), makes: [12, 13] },
  { algorithm: 'DES3', mode: 'CBC', keyBytes: 24, takes: [8], makes: [8] },
  { algorithm: 'ChaCha20', keyBytes: 32, takes: [8, 12], makes: [12] },
  { algorithm: 'ChaCha20Poly1305', keyBytes: 32, takes: [12], makes: [12] },
];
const data = new Uint8Array(32).fill(9);
/** More than any vector has. */
const lengths = upTo(1, 140);

const keyOf = ({ algorithm, keyBytes }: Row) =>
  ({
    objectType: 'SymmetricKey',
    KeyFormatType: 'Raw',
    KeyMaterial: Uint8Array.from({ length: keyBytes }, (_, at) => at),
    CryptographicAlgorithm: algorithm,
  }) as const;
const modeOf = ({ mode }: Row) => (mode === undefined ? {} : { BlockCipherMode: mode });
const name = ({ algorithm, mode }: Row) => `${algorithm} ${mode ?? ''}`;

async function succeeds(run: () => unknown): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== 'INVALID_PARAMETERS') throw error;
    return false;
  }
}

t.test(
  'a given vector is taken with its length in bits, in bytes or without one, and with no other',
  async (t) => {
    for (const row of rows) {
      const key = keyOf(row);
      for (const bytes of lengths) {
        const iv = new Uint8Array(bytes).fill(1);
        const taken = row.takes.includes(bytes);
        for (const [IVLength, agrees] of [
          [undefined, true],
          [bytes, true],
          [bytes * 8, true],
          [bytes + 1, false],
          [bytes * 8 + 8, false],
          [0, false],
          [-bytes, false],
        ] as const) {
          const parameters = { ...modeOf(row), ...(IVLength !== undefined && { IVLength }) };
          const plaintext = { data, iv };
          t.equal(
            await succeeds(() => nodeCrypto.encrypt(key, parameters, plaintext)),
            taken && agrees && bytes >= 8,
            `${name(row)}: encrypts under ${bytes} bytes, IV Length ${IVLength}`,
          );
          t.equal(
            await succeeds(() => nodeCrypto.startEncryption(key, parameters, { iv })),
            taken && agrees && bytes >= 8 && row.mode !== 'CCM' && row.mode !== 'XTS',
            `${name(row)}: encrypts parts under ${bytes} bytes, IV Length ${IVLength}`,
          );
        }
      }
    }
  },
);

t.test('data that was encrypted under a short vector is decrypted', async (t) => {
  const { createCipheriv } = await import('node:crypto');
  const row = { algorithm: 'AES', mode: 'GCM', keyBytes: 16, takes: [], makes: [] } as const;
  for (const bytes of upTo(1, 7)) {
    const iv = new Uint8Array(bytes).fill(1);
    const cipher = createCipheriv('aes-128-gcm', keyOf(row).KeyMaterial, iv);
    const encrypted = new Uint8Array(cipher.update(data));
    cipher.final();
    const sealed = { data: encrypted, iv, tag: new Uint8Array(cipher.getAuthTag()) };
    t.same(await nodeCrypto.decrypt(keyOf(row), modeOf(row), sealed), data, `${bytes} bytes`);
  }
});

t.test('the server makes a vector of IV Length, in bits or in bytes', async (t) => {
  for (const row of rows) {
    for (const IVLength of [...lengths, ...lengths.map((bytes) => bytes * 8), -1, 0]) {
      const made = row.makes.find((bytes) => IVLength === bytes || IVLength === bytes * 8);
      let iv: Uint8Array | undefined;
      const run = () => {
        ({ iv } = nodeCrypto.encrypt(keyOf(row), { ...modeOf(row), IVLength }, { data }));
      };
      t.equal(await succeeds(run), made !== undefined, `${name(row)}: IV Length ${IVLength}`);
      t.equal(iv?.length, made, `${name(row)}: IV Length ${IVLength}`);
    }
  }
});

t.test('a tag has Tag Length, in bytes or in bits', async (t) => {
  for (const [row, allowed] of [
    [rows.find(({ mode }) => mode === 'GCM'), [12, 13, 14, 15, 16]],
    [rows.find(({ mode }) => mode === 'CCM'), [12, 14, 16]],
    [rows.find(({ algorithm }) => algorithm === 'ChaCha20Poly1305'), [12, 13, 14, 15, 16]],
  ] as const) {
    const found = row as Row;
    for (const TagLength of [...upTo(-1, 140), 256]) {
      const bytes = allowed.find((each) => TagLength === each || TagLength === each * 8);
      const run = () => nodeCrypto.encrypt(keyOf(found), { ...modeOf(found), TagLength }, { data });
      if (bytes === undefined) t.throws(run, { code: 'INVALID_TAG_LENGTH' }, `${name(found)}: ${TagLength}`);
      else t.equal(run().tag?.length, bytes, `${name(found)}: ${TagLength}`);
    }
  }
});
