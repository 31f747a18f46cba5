import t from 'tap';
import { ckm, mechanismFlags } from '../../../src/token/cryptoki.ts';
import {
  findWrappingFormat,
  listWrappingMethods,
  wrappingFormats,
} from '../../../src/token/wrapping-formats.ts';

const { encrypt, decrypt, wrap, unwrap } = mechanismFlags;
const list = (key: 'aes' | 'rsa', ...mechanisms: readonly [number, number][]) =>
  listWrappingMethods(
    key,
    mechanisms.map(([mechanism, flags]) => ({ mechanism, flags })),
  ).map(({ format, way }) => `${format.format} ${way}`);

t.test('a format keeps its byte for ever', async (t) => {
  t.same(
    wrappingFormats.map(({ format, mechanism, name }) => [format, mechanism, name]),
    [
      [1, 0x210b, 'AES-KWP'],
      [2, 0x210a, 'AES-KW with padding'],
      [3, 0x2109, 'AES-KW'],
      [4, 0x1087, 'AES-GCM'],
      [5, 0x0009, 'RSA-OAEP-SHA-256'],
      [6, 0x0009, 'RSA-OAEP-SHA-1'],
    ],
  );
  t.equal(findWrappingFormat(3)?.name, 'AES-KW');
  t.equal(findWrappingFormat(0), undefined);
  t.equal(findWrappingFormat(undefined), undefined);
});

t.test('KWP comes first and GCM last, C_Encrypt before C_WrapKey', async (t) => {
  const all = encrypt | decrypt | wrap | unwrap;
  t.same(
    list('aes', [ckm.aesGcm, all], [ckm.aesKeyWrap, all], [ckm.aesKeyWrapPad, all], [ckm.aesKeyWrapKwp, all]),
    ['1 encrypt', '1 wrap', '2 encrypt', '2 wrap', '3 encrypt', '3 wrap', '4 encrypt'],
  );
});

t.test('a mechanism counts only when the token does both directions', async (t) => {
  t.same(list('aes', [ckm.aesKeyWrap, encrypt | wrap]), []);
  t.same(list('aes', [ckm.aesKeyWrap, encrypt | wrap | unwrap]), ['3 wrap']);
  t.same(list('aes', [ckm.aesGcm, wrap | unwrap]), [], 'GCM wraps no keys for kmipd');
});

t.test('an RSA pair needs decryption alone, and prefers SHA-256', async (t) => {
  t.same(list('rsa', [ckm.rsaPkcsOaep, decrypt], [ckm.aesKeyWrap, wrap | unwrap]), [
    '5 encrypt',
    '6 encrypt',
  ]);
  t.same(list('rsa', [ckm.rsaPkcsOaep, encrypt]), []);
  t.same(list('aes', [ckm.rsaPkcsOaep, decrypt]), []);
});
