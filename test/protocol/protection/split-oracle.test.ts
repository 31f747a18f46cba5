import fc from 'fast-check';
import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { aes, ask, having, length, succeed } from '../operations/ask.ts';
import { active, blockOf, encryptWith, mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey } from './history.ts';
import { createWhole, mersenne, methods, sensitive, split } from './split-inputs.ts';

/** Joins that are tried; `KMIPD_JOINS` sets another number. */
const joins = Number(process.env['KMIPD_JOINS'] ?? 2_000);

const service = await TestService.open({ limits: { failedDecryptions: 1_000_000 } });
t.teardown(() => service.close());

const xLabel = (value: number): Attribute => ({
  vendor: 'x',
  name: 'SplitKeyPolynomial',
  value: { type: 'Integer', value },
});
const bytes = 16;

/** A secret and parts that hold it or a share of it, as a client can get them. */
async function protectedParts(fill: number): Promise<readonly string[]> {
  const key = await createWhole(service, 'SymmetricKey', sensitive);
  const made = await Promise.all(methods.map((method) => split(service, key, method)));
  const ids = made.flat();
  for (const method of methods) {
    const block = {
      KeyFormatType: 'Raw',
      KeyValue: { KeyMaterial: new Uint8Array(bytes).fill(fill), Attributes: [] },
    };
    const Object = part(method, 1, { ...block, CryptographicAlgorithm: 'AES' });
    const Attributes = having(sensitive);
    ids.push(
      (await succeed(service, '2.1', Register, { ObjectType: 'SplitKey', Attributes, Object }))
        .UniqueIdentifier,
    );
  }
  return ids;
}

function part(
  SplitKeyMethod: (typeof methods)[number],
  KeyPartIdentifier: number,
  KeyBlock: object,
): ManagedObjectValue {
  const PrimeFieldSize = SplitKeyMethod === 'PolynomialSharingPrimeField' ? mersenne : undefined;
  const scheme = {
    SplitKeyParts: 255,
    SplitKeyThreshold: SplitKeyMethod === 'XOR' ? 255 : 2,
    SplitKeyMethod,
  };
  return { type: 'SplitKey', value: { ...scheme, PrimeFieldSize, KeyPartIdentifier, KeyBlock } } as never;
}

/** Parts that a client has made up: bytes, numbers, polynomials and formats of its choice. */
async function craftedParts(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const method of methods)
    for (const [at, fill] of [0, 1, 127, 128, 255].entries())
      for (const polynomial of [283, 285]) {
        const KeyMaterial = new Uint8Array(bytes).fill(fill);
        const KeyFormatType = at % 2 === 0 ? 'Raw' : 'PKCS_8';
        const Object = part(method, at + 2, {
          KeyFormatType,
          KeyValue: { KeyMaterial, Attributes: [] },
          CryptographicAlgorithm: 'AES',
        });
        const request = { ObjectType: 'SplitKey', Attributes: having(xLabel(polynomial)), Object };
        ids.push((await succeed(service, '2.1', Register, request)).UniqueIdentifier);
      }
  return ids;
}

t.test(`${joins} joins with crafted parts tell nothing of a protected share`, async (t) => {
  const secrets = [await protectedParts(0), await protectedParts(255)];
  const crafted = await craftedParts();
  const answers = new Map<string, number>();
  let differences = 0;
  const places = (secrets[0] as readonly string[]).map((_, at) => at);
  const tries = fc.record({
    at: fc.constantFrom(...places),
    foreign: fc.constantFrom(...crafted),
    isFirst: fc.boolean(),
    type: fc.constantFrom('SymmetricKey', 'SecretData', 'PrivateKey'),
    bits: fc.integer({ min: 1, max: 64 }).map((count) => 8 * count),
  });
  const chosen = fc.sample(tries, { seed: 20261129, numRuns: joins / 2 });
  for (const { at, foreign, isFirst, type, bits } of chosen) {
    const [one, other] = await Promise.all(
      secrets.map(async (parts) => {
        const ids = isFirst ? [parts[at], foreign] : [foreign, parts[at]];
        const Attributes = having(active, length(bits));
        const request = { ObjectType: type, UniqueIdentifier: ids, Attributes };
        const { status, reason, message } = await ask(service, '2.1', JoinSplitKey, request);
        return `${status} ${reason} ${message}`;
      }),
    );
    for (const answer of [one, other] as string[]) answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (one !== other) differences++;
  }
  t.equal(differences, 0, 'the answers do not depend on the secret');
  t.match([...answers.keys()], [/^OperationFailed Sensitive /], 'there is one answer');
  t.equal(answers.size, 1);
  t.comment(`${joins} joins, ${answers.size} answer, ${Math.log2(answers.size)} bits`);
});

t.test('a key that was wrapped does not come back as a part, which a join would multiply', async (t) => {
  const { UniqueIdentifier: victim } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 1), length(128), mask('Encrypt', 'Decrypt'), active, sensitive),
  });
  const block = await blockOf(service, victim, encryptWith(await closedKey(service)));
  let imports = 0;
  for (const method of methods)
    for (const polynomial of [283, 285])
      for (const number of [1, 3, 129, 255]) {
        const id = `part-${imports++}`;
        const { reason } = await ask(service, '2.1', Import, {
          UniqueIdentifier: id,
          KeyWrapType: 'NotWrapped',
          Attributes: [xLabel(polynomial)],
          Object: part(method, number, block),
        } as never);
        t.equal(reason, 'InvalidField', `${method} ${polynomial} ${number}`);
      }
});

t.test('failures of joining have one answer and are counted', async (t) => {
  const counting = await TestService.open({ limits: { failedDecryptions: 3 } });
  t.teardown(() => counting.close());
  const three = async () => {
    const key = await createWhole(counting, 'SymmetricKey', sensitive);
    return split(counting, key, 'PolynomialSharingGF2_8');
  };
  for (const ids of [await three(), await three()]) {
    const request = (count: number) => ({
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: ids.slice(0, count),
      Attributes: having(),
    });
    const answers = new Set<string>();
    t.equal((await ask(counting, '2.1', JoinSplitKey, request(2))).status, 'Success');
    for (let n = 0; n < 3; n++) {
      const { reason, message } = await ask(counting, '2.1', JoinSplitKey, request(1));
      answers.add(`${reason} ${message}`);
    }
    const { reason, message } = await ask(counting, '2.1', JoinSplitKey, request(2));
    t.same([...answers], [`${reason} ${message}`], 'the right parts are refused like the wrong ones');
    t.equal(reason, 'CryptographicFailure');
    t.same(counting.exhausted.at(-1), { client: 'tester', object: ids[0] });
  }
});
