import { cka, ckk, ckm } from '../cryptoki.ts';
import { ecKeyType, keyAttributes, keyMechanisms } from '../keys/key-cryptoki.ts';
import type { MakeKeyRequest } from '../keys/key-messages.ts';
import { TokenFailure } from '../messages.ts';
import { type AttributeTemplate, viewOf } from './library.ts';

const publicExponent = Uint8Array.of(1, 0, 1);

/** Templates for C_GenerateKey or C_GenerateKeyPair. */
export interface Generation {
  readonly mechanism: number;
  readonly keyType: number;
  readonly specific: AttributeTemplate;
  readonly isPair: boolean;
}

/** @throws {TokenFailure} for a request that no daemon makes */
export function describeGeneration(key: MakeKeyRequest['key']): Generation {
  switch (key.type) {
    case 'aes':
    case 'generic':
      return {
        mechanism: key.type === 'aes' ? ckm.aesKeyGen : keyMechanisms.genericSecretKeyGen,
        keyType: key.type === 'aes' ? ckk.aes : ckk.genericSecret,
        specific: [{ type: cka.valueLen, value: key.bytes }],
        isPair: false,
      };
    case 'rsa':
      return {
        mechanism: keyMechanisms.rsaPkcsKeyPairGen,
        keyType: ckk.rsa,
        specific: [
          { type: keyAttributes.modulusBits, value: key.bits },
          { type: cka.publicExponent, value: viewOf(publicExponent) },
        ],
        isPair: true,
      };
    case 'ec':
      return {
        mechanism: keyMechanisms.ecKeyPairGen,
        keyType: ecKeyType,
        specific: [{ type: keyAttributes.ecParams, value: viewOf(Uint8Array.fromHex(key.parameters)) }],
        isPair: true,
      };
    default:
      throw new TokenFailure('request', 'there is no such kind of key');
  }
}
