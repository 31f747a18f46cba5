import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { CryptographicAlgorithm, RecommendedCurve } from '../../../../codec/enums.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { having, length, outcome, succeed } from '../ask.ts';

/** Tests of attributes that repeat what others say: they are accepted in every count, and nothing else is. */

const service = await TestService.open();
t.teardown(() => service.close());

interface Row {
  readonly algorithm: CryptographicAlgorithm;
  readonly curve?: RecommendedCurve;
  readonly bits?: number;
  readonly lengths: readonly number[];
  readonly otherLengths: readonly number[];
  readonly qlengths: readonly number[];
  readonly otherQlengths: readonly number[];
}

const rows: readonly Row[] = [
  {
    algorithm: 'ECDSA',
    curve: 'P_256',
    lengths: [256],
    otherLengths: [255, 264, 384, 32],
    qlengths: [256, 32],
    otherQlengths: [160, 224, 264, 384, 48, 0, -256],
  },
  {
    algorithm: 'EC',
    curve: 'P_521',
    lengths: [521, 528],
    otherLengths: [520, 512],
    qlengths: [521, 528, 66],
    otherQlengths: [256, 529, 67],
  },
  {
    algorithm: 'EC',
    curve: 'CURVE25519',
    lengths: [],
    otherLengths: [],
    qlengths: [253, 255, 256, 32],
    otherQlengths: [160, 448],
  },
  {
    algorithm: 'DSA',
    bits: 2048,
    lengths: [2048],
    otherLengths: [],
    qlengths: [256],
    otherQlengths: [],
  },
];

const domain = (value: { Qlength?: number; RecommendedCurve?: RecommendedCurve }): Attribute => ({
  name: 'CryptographicDomainParameters',
  value,
});

t.test('Create Key Pair accepts a length and a Qlength that repeat the curve, and no others', async (t) => {
  for (const { algorithm, curve, bits, lengths, otherLengths, qlengths, otherQlengths } of rows) {
    const create = (stated: number | undefined, Qlength: number | undefined) =>
      outcome(service, '2.1', CreateKeyPair, {
        CommonAttributes: having(
          { name: 'CryptographicAlgorithm', value: algorithm },
          ...((stated ?? bits) === undefined ? [] : [length((stated ?? bits) as number)]),
          domain({
            ...(curve !== undefined && { RecommendedCurve: curve }),
            ...(Qlength !== undefined && { Qlength }),
          }),
        ),
        PrivateKeyAttributes: having(),
        PublicKeyAttributes: having(),
      });
    const what = `${algorithm} ${curve ?? bits}`;
    for (const each of lengths) t.equal(await create(each, undefined), 'Success', `${what}: length ${each}`);
    for (const each of otherLengths)
      t.not(await create(each, undefined), 'Success', `${what}: no length ${each}`);
    for (const each of qlengths)
      t.equal(await create(undefined, each), 'Success', `${what}: Qlength ${each}`);
    for (const each of otherQlengths)
      t.not(await create(undefined, each), 'Success', `${what}: no Qlength ${each}`);
  }
});

t.test('Register accepts attributes that repeat the Key Block in another count, and no others', async (t) => {
  for (const { algorithm, curve, bits, lengths, otherLengths, qlengths, otherQlengths } of rows) {
    const own = curve === undefined ? [length(bits as number)] : [domain({ RecommendedCurve: curve })];
    const made = await succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having({ name: 'CryptographicAlgorithm', value: algorithm }, ...own),
      PrivateKeyAttributes: having(),
      PublicKeyAttributes: having(),
    });
    const { Object } = await succeed(service, '2.1', Get, {
      UniqueIdentifier: made.PublicKeyUniqueIdentifier,
    });
    const register = (...attributes: Attribute[]) =>
      outcome(service, '2.1', Register, {
        ObjectType: 'PublicKey',
        Attributes: having(...attributes),
        Object,
      });
    const curveField = curve === undefined ? {} : { RecommendedCurve: curve };
    for (const each of lengths) t.equal(await register(length(each)), 'Success', `${algorithm} ${each}`);
    for (const each of otherLengths) t.not(await register(length(each)), 'Success', `${algorithm} ${each}`);
    for (const Qlength of qlengths)
      t.equal(
        await register(domain({ Qlength, ...curveField })),
        'Success',
        `${algorithm} Qlength ${Qlength}`,
      );
    for (const Qlength of otherQlengths)
      t.not(await register(domain({ Qlength, ...curveField })), 'Success', `${algorithm} Qlength ${Qlength}`);
    const other = domain({ RecommendedCurve: 'SECP256K1' });
    t.not(await register(other), 'Success', `${algorithm}: another curve`);
  }
});
