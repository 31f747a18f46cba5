import t from 'tap';
import type { HashingAlgorithm } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import {
  hex,
  testedVersions,
  VectorClient,
  verifySignature,
} from '../protocol/known-answers/vector-client.ts';
import { succeed } from '../protocol/operations/ask.ts';
import { hashes, missing, OpenSsl, type Pair, pairOf, rsaArgs } from './openssl.ts';

/** OpenSSL's command line verifies the signatures of the server, and the other way round. */

const player = await VectorClient.open(t);
const openssl = new OpenSsl(t);
const skip = missing;
const data = new TextEncoder().encode('data of thirty-two bytes and so…');

/** A signature scheme: its Cryptographic Parameters, and the arguments of `openssl dgst`. */
interface Way {
  readonly name: string;
  readonly key: Pair;
  readonly parameters: CryptographicParameters;
  readonly args: string;
  /** The hash that also serves for signatures of digests. */
  readonly digest?: HashingAlgorithm & string;
}

async function ways(): Promise<Way[]> {
  const rsa = await pairOf(openssl, rsaArgs);
  const result: Way[] = [];
  for (const [HashingAlgorithm, hash] of hashes) {
    const parameters = { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm } as const;
    result.push({ name: `RSA ${hash}`, key: rsa, parameters, args: `-${hash}`, digest: HashingAlgorithm });
    if (hash === 'sha512-256') continue;
    for (const salt of [0, 20, 32]) {
      const args = `-${hash} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:${salt}`;
      result.push({
        name: `PSS ${hash} ${salt}`,
        key: rsa,
        parameters: { PaddingMethod: 'PSS', HashingAlgorithm, SaltLength: salt },
        args,
        digest: HashingAlgorithm,
      });
    }
  }
  result.push({
    name: 'PSS with a mask of SHA-1',
    key: rsa,
    parameters: {
      PaddingMethod: 'PSS',
      HashingAlgorithm: 'SHA_256',
      MaskGenerator: 'MGF1',
      MaskGeneratorHashingAlgorithm: 'SHA_1',
      SaltLength: 32,
    },
    args: '-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1',
    digest: 'SHA_256',
  });
  const curves = ['secp224r1', 'P-256', 'P-384', 'P-521', 'secp256k1', 'brainpoolP256r1', 'brainpoolP512r1'];
  for (const curve of curves) {
    const key = await pairOf(openssl, `genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${curve}`);
    for (const [HashingAlgorithm, hash] of hashes) {
      const digest = curve.startsWith('brain') ? {} : { digest: HashingAlgorithm };
      result.push({
        name: `${curve} ${hash}`,
        key,
        parameters: { HashingAlgorithm },
        args: `-${hash}`,
        ...digest,
      });
    }
  }
  const parameters = openssl.file(
    await openssl.ask(
      'genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 -pkeyopt dsa_paramgen_q_bits:256',
    ),
  );
  const dsa = await pairOf(openssl, 'genpkey -paramfile', parameters);
  for (const [HashingAlgorithm, hash] of hashes.slice(0, 5))
    result.push({
      name: `DSA ${hash}`,
      key: dsa,
      parameters: { HashingAlgorithm },
      args: `-${hash}`,
      digest: HashingAlgorithm,
    });
  return result;
}

t.test(
  'OpenSSL verifies RSA and ECDSA signatures of the server, and the other way round',
  { skip },
  async (t) => {
    const file = openssl.file(data);
    for (const { name, key, parameters, args, digest } of await ways()) {
      const secret = await player.registerKey(key.secret, 'Sign');
      const open = await player.registerKey(key.open, 'Verify');
      const theirs = await openssl.ask(`dgst ${args} -sign ${key.secretFile}`, file);
      const messages = [
        { Data: data },
        ...(digest === undefined ? [] : [{ DigestedData: nodeCrypto.digest(digest, data) }]),
      ];
      for (const version of testedVersions) {
        for (const message of messages) {
          const what = `${version} ${name} ${Object.keys(message)}`;
          t.equal(
            await verifySignature(player, version, open, parameters, message, theirs),
            'Valid',
            `${what}: theirs`,
          );
          const request = { UniqueIdentifier: secret, CryptographicParameters: parameters, ...message };
          const { SignatureData } = await succeed(player.service, version, Sign, request);
          const ours = openssl.file(SignatureData as Uint8Array);
          const { text } = await openssl.try(
            `dgst ${args} -verify ${key.publicFile} -signature ${ours}`,
            file,
          );
          t.match(text, /Verified OK/, `${what}: ours`);
        }
      }
    }
  },
);

t.test('OpenSSL verifies EdDSA signatures of the server, and the other way round', { skip }, async (t) => {
  const file = openssl.file(data);
  for (const algorithm of ['ED25519', 'ED448']) {
    const key = await pairOf(openssl, `genpkey -algorithm ${algorithm}`);
    const secret = await player.registerKey(key.secret, 'Sign');
    const open = await player.registerKey(key.open, 'Verify');
    const theirs = await openssl.ask(`pkeyutl -sign -rawin -inkey ${key.secretFile} -in`, file);
    for (const version of testedVersions) {
      const request = { UniqueIdentifier: secret, Data: data };
      const { SignatureData } = await succeed(player.service, version, Sign, request);
      t.equal(hex(SignatureData), hex(theirs), `${version} ${algorithm}: the same`);
      const ours = openssl.file(SignatureData as Uint8Array);
      const args = `pkeyutl -verify -rawin -pubin -inkey ${key.publicFile} -sigfile ${ours} -in`;
      t.match((await openssl.try(args, file)).text, /Verified Successfully/, `${version} ${algorithm}: ours`);
      const { ValidityIndicator } = await succeed(player.service, version, SignatureVerify, {
        UniqueIdentifier: open,
        Data: data,
        SignatureData: theirs,
      });
      t.equal(ValidityIndicator, 'Valid', `${version} ${algorithm}: theirs`);
    }
  }
});
