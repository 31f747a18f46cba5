import type { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { SignatureVerify } from '../../../src/operations/cryptography/signature-verify.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { ask, succeed } from '../operations/ask.ts';
import { active, mask, register } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';

/* A client that registers the keys of vectors and sends requests with their data. */

/** One version of each era (1.x, 2.x) that has all the fields. */
export const testedVersions: readonly Version[] = ['1.4', '2.1'];

type UsageBit = (typeof CryptographicUsageMask)['members'][number];
type Tap = { teardown(close: () => unknown): void };

export interface Answer {
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly payload: Record<string, unknown>;
}

export class VectorClient {
  readonly service: TestService;
  readonly #keys = new Map<string, Promise<string>>();

  private constructor(service: TestService) {
    this.service = service;
  }

  static async open(t: Tap): Promise<VectorClient> {
    // The tests of forgeries try every byte with one key. Published vectors are of weak algorithms too.
    const limits = { failedDecryptions: 1_000_000 };
    const service = await TestService.open({ limits, crypto: { legacy: true } });
    t.teardown(() => service.close());
    return new VectorClient(service);
  }

  /** Registers a key once; returns its identifier. */
  registerKey(value: ManagedObjectValue, ...uses: readonly UsageBit[]): Promise<string> {
    const name = JSON.stringify([value, uses], (_, part) =>
      part instanceof Uint8Array ? part.toHex() : part,
    );
    const known = this.#keys.get(name) ?? register(this.service, value, active, mask(...uses));
    this.#keys.set(name, known);
    return known;
  }

  async request(version: Version, operation: AnyOperation, request: object): Promise<Answer> {
    const { reason, message, payload } = await ask(this.service, version, operation, request as never);
    return { reason, message, payload: (payload ?? {}) as Record<string, unknown> };
  }

  /**
   * Sends data in three parts of different lengths; returns their concatenated output and the last payload.
   */
  async requestInParts(
    version: Version,
    operation: AnyOperation,
    { UniqueIdentifier, Data, ...first }: { UniqueIdentifier?: string; Data: Uint8Array },
    last: object = {},
  ): Promise<{ readonly output: Uint8Array; readonly last: Record<string, unknown> }> {
    const common = { ...(UniqueIdentifier === undefined ? {} : { UniqueIdentifier }) };
    // A hash names its algorithm with every part.
    const repeated = UniqueIdentifier === undefined ? first : {};
    const cuts = [0, Math.ceil(Data.length / 5), Math.ceil(Data.length / 2), Data.length];
    const output: number[] = [];
    let CorrelationValue: unknown;
    let payload: Record<string, unknown> = {};
    for (let at = 0; at < 3; at += 1) {
      const part = Data.slice(cuts[at], cuts[at + 1]);
      payload = (await succeed(this.service, version, operation, {
        ...common,
        ...repeated,
        Data: part,
        ...(at === 0 ? { ...first, InitIndicator: true } : { CorrelationValue }),
        ...(at === 2 ? { FinalIndicator: true, ...last } : {}),
      } as never)) as Record<string, unknown>;
      CorrelationValue ??= payload['CorrelationValue'];
      output.push(...((payload['Data'] as Uint8Array | undefined) ?? []));
    }
    return { output: Uint8Array.from(output), last: payload };
  }
}

/** Returns the validity by Signature Verify, or the reason of its failure. */
export async function verifySignature(
  client: VectorClient,
  version: Version,
  UniqueIdentifier: string,
  parameters: object,
  message: object,
  SignatureData: Uint8Array,
): Promise<unknown> {
  const request = { UniqueIdentifier, CryptographicParameters: parameters, SignatureData, ...message };
  const { reason, payload } = await client.request(version, SignatureVerify, request);
  return reason ?? payload['ValidityIndicator'];
}

export function asymmetricKey(
  type: 'PrivateKey' | 'PublicKey',
  KeyFormatType: KeyBlock['KeyFormatType'],
  KeyMaterial: Uint8Array | Record<string, unknown>,
  CryptographicAlgorithm?: KeyBlock['CryptographicAlgorithm'],
): ManagedObjectValue {
  const KeyBlock = {
    KeyFormatType,
    KeyValue: { KeyMaterial, Attributes: [] },
    ...(CryptographicAlgorithm === undefined ? {} : { CryptographicAlgorithm }),
  } as KeyBlock;
  return { type, value: { KeyBlock } };
}

/** Encodes a positive number as Big Integer: whole groups of eight bytes, no sign bit. */
export function bigInteger(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const digits = magnitude.subarray(first);
  const padded = new Uint8Array(Math.ceil((digits.length + ((digits[0] as number) >> 7)) / 8) * 8);
  padded.set(digits, padded.length - digits.length);
  return padded;
}

/** Makes both halves of an RSA key from its numbers. */
export function rsaKey(numbers: {
  readonly N: Uint8Array;
  readonly E: Uint8Array;
  readonly D?: Uint8Array | undefined;
  readonly P?: Uint8Array | undefined;
  readonly Q?: Uint8Array | undefined;
}): { readonly privateKey: ManagedObjectValue; readonly publicKey: ManagedObjectValue } {
  const [Modulus, PublicExponent] = [bigInteger(numbers.N), bigInteger(numbers.E)];
  const [PrivateExponent, P, Q] = [numbers.D, numbers.P, numbers.Q].map((each) => each && bigInteger(each));
  return {
    publicKey: asymmetricKey('PublicKey', 'TransparentRSAPublicKey', { Modulus, PublicExponent }, 'RSA'),
    privateKey: asymmetricKey(
      'PrivateKey',
      'TransparentRSAPrivateKey',
      { Modulus, PublicExponent, PrivateExponent, P, Q },
      'RSA',
    ),
  };
}

export function hex(value: unknown): string {
  return value instanceof Uint8Array ? value.toHex() : '';
}

/** Returns the bytes of a payload's field in hexadecimal; of a failure its reason. */
export function fieldOf({ reason, payload }: Answer, field: string): string {
  return reason ?? hex(payload[field]);
}

export const decryptionFailed = 'CryptographicFailure: the data cannot be decrypted';
export const failureOf = ({ reason, message }: Answer): string => `${reason}: ${message}`;
