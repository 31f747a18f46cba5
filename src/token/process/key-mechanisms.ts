import { ckm, oaep } from '../cryptoki.ts';
import { hashMechanisms, keyMechanisms } from '../keys/key-cryptoki.ts';
import type { UseKeyRequest } from '../keys/key-messages.ts';
import { TokenFailure } from '../messages.ts';
import { type Pkcs11, viewOf } from './library.ts';

/** The mechanism of a call, with the parameters that pkcs11js makes of it. */

type Mechanism = Parameters<InstanceType<Pkcs11['PKCS11']>['C_EncryptInit']>[1];

export interface KeyMechanism {
  readonly mechanism: Mechanism;
  /** Where the token writes the Initialization Vector, if it chooses it. */
  readonly iv?: Uint8Array;
}

type Fields = UseKeyRequest['mechanism'];

const ctrCounterBits = 128;

/**
 * Builds a mechanism.
 * @throws {TokenFailure} for a request that no daemon makes
 */
export function buildMechanism(fields: Fields, pkcs11: Pkcs11): KeyMechanism {
  const plain = (mechanism: number, parameter?: Mechanism['parameter']): KeyMechanism => ({
    mechanism: parameter === undefined ? { mechanism } : { mechanism, parameter },
  });
  switch (fields.kind) {
    case 'ecb':
      return plain(keyMechanisms.aesEcb);
    case 'cbc':
      return plain(keyMechanisms.aesCbc, viewOf(readBytes(fields, 'iv')));
    case 'ctr':
      return plain(keyMechanisms.aesCtr, viewOf(encodeCtr(readBytes(fields, 'iv'))));
    case 'gcm':
      return buildGcm(fields, pkcs11);
    case 'cmac':
      return plain(keyMechanisms.aesCmac);
    case 'hmac':
      return plain(readHash(fields).hmac);
    case 'pkcs1':
      return plain(keyMechanisms.rsaPkcs);
    case 'ecdsa':
      return plain(keyMechanisms.ecdsa);
    case 'oaep': {
      const { digest, mgf } = readHash(fields);
      const label = readBytes(fields, 'label');
      return plain(ckm.rsaPkcsOaep, {
        ...{ type: pkcs11.CK_PARAMS_RSA_OAEP, hashAlg: digest, mgf, source: oaep.dataSpecified },
        ...(label.length > 0 && { sourceData: viewOf(label) }),
      });
    }
    case 'pss': {
      const { digest, mgf } = readHash(fields);
      const saltLen = Number(fields.saltBytes);
      return plain(keyMechanisms.rsaPkcsPss, {
        ...{ type: pkcs11.CK_PARAMS_RSA_PSS, hashAlg: digest, mgf, saltLen },
      });
    }
    default:
      throw new TokenFailure('request', 'there is no such mechanism');
  }
}

function buildGcm(fields: Fields, pkcs11: Pkcs11): KeyMechanism {
  const iv = readBytes(fields, 'iv');
  const additionalData = readBytes(fields, 'additionalData');
  const parameter = {
    ...{ type: pkcs11.CK_PARAMS_GCM, iv: viewOf(iv), ivBits: iv.length * 8 },
    ...(additionalData.length > 0 && { aad: viewOf(additionalData) }),
    tagBits: Number(fields.tagBytes) * 8,
  };
  return { mechanism: { mechanism: ckm.aesGcm, parameter }, iv };
}

/** CK_AES_CTR_PARAMS: a CK_ULONG of counter bits, then the block. */
function encodeCtr(block: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + block.length);
  // Libraries are for the byte order of the machine, and Node runs on little-endian ones.
  new DataView(bytes.buffer).setBigUint64(0, BigInt(ctrCounterBits), true);
  bytes.set(block, 8);
  return bytes;
}

function readBytes(fields: Fields, name: string): Uint8Array {
  const value = fields[name];
  return value === undefined ? new Uint8Array() : Uint8Array.fromHex(String(value));
}

function readHash({ hash }: Fields): (typeof hashMechanisms)[string] {
  const found = hashMechanisms[String(hash)];
  if (found === undefined) throw new UnsupportedMechanismError(`no mechanism has the hash ${hash}`);
  return found;
}

/** `UNSUPPORTED_MECHANISM`: PKCS #11 has no such mechanism. */
export class UnsupportedMechanismError extends Error {
  override readonly name = 'UnsupportedMechanismError';
  readonly code = 'UNSUPPORTED_MECHANISM';
}
