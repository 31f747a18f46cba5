import t from 'tap';
import { describeReport, formatReport, type TokenReport } from '../../../src/cli/token-report.ts';
import { ckm, mechanismFlags } from '../../../src/token/cryptoki.ts';

const { encrypt, decrypt, wrap, unwrap, generate, generateKeyPair, sign, verify } = mechanismFlags;

/** Returns the report of a token with such mechanisms, whose key wraps by AES-KW. */
function report(...mechanisms: readonly [name: string, mechanism: number, flags: number][]): TokenReport {
  return {
    token: {
      module: 'library',
      moduleManufacturer: 'vendor',
      moduleVersion: '1.2',
      cryptokiVersion: '2.40',
      slotId: 1,
      label: 'kmipd',
      manufacturer: 'vendor',
      model: 'model',
      serial: '00ff',
      hardwareVersion: '1.0',
      firmwareVersion: '1.0',
      flags: 0,
      areCoreDumpsEmpty: true,
    },
    mechanisms: mechanisms.map(([name, mechanism, flags]) => ({
      ...{ name, mechanism, flags, minKeySize: 16, maxKeySize: 32 },
    })),
    login: 'works',
    key: {
      id: '0123456789abcdef',
      algorithm: 'AES-256',
      label: 'root',
      ckaId: 'aa55',
      format: 3,
      way: 'wrap',
      isExtractable: false,
      isSensitive: true,
      wasNeverExtractable: true,
      isMadeInToken: true,
      isTrial: false,
    },
  };
}

const useOf = (mechanism: number, flags: number) =>
  describeReport(report(['m', mechanism, flags])).mechanisms[0]?.use;

t.test('a mechanism is of use when kmipd would choose it for wrapping, or makes keys by it', async (t) => {
  t.equal(useOf(ckm.aesKeyWrap, wrap | unwrap), 'wraps the keyring');
  t.equal(useOf(ckm.aesKeyWrap, encrypt | decrypt), 'wraps the keyring');
  t.equal(useOf(ckm.aesKeyWrap, wrap | decrypt), '-', 'one direction of each is none');
  t.equal(useOf(ckm.aesGcm, encrypt | decrypt), 'could wrap the keyring');
  t.equal(useOf(ckm.aesGcm, wrap | unwrap), '-', 'GCM wraps no keys for kmipd');
  t.equal(useOf(ckm.rsaPkcsOaep, decrypt), 'could wrap the keyring');
  t.equal(useOf(ckm.rsaPkcsOaep, encrypt), '-');
  t.equal(useOf(ckm.aesKeyGen, generate), 'makes the root key');
  t.equal(useOf(ckm.aesKeyGen, 0), '-');
  t.equal(useOf(0x4711, 0xffff_ffff), '-');
});

t.test('the table has yes for both directions, and names one that is alone', async (t) => {
  const text = formatReport(
    report(
      ['CKM_BOTH', 1, encrypt | decrypt | wrap | unwrap | sign | verify],
      ['CKM_HALVES', 2, encrypt | unwrap | verify],
      ['CKM_KEY', 3, generate],
      ['CKM_PAIR', 4, generateKeyPair],
      ['CKM_NONE', 5, 0],
    ),
  );
  t.match(text, /^CKM_BOTH +yes +yes +- +yes +- +16-32 +-$/m);
  t.match(text, /^CKM_HALVES +encrypt +unwrap +- +verify +- +16-32 +-$/m);
  t.match(text, /^CKM_KEY +- +- +yes +- +- /m);
  t.match(text, /^CKM_PAIR +- +- +generateKeyPair +- +- /m);
  t.match(text, /^CKM_NONE +- +- +- +- +- /m);
});

t.test('the object for programs has each function by its name', async (t) => {
  const { mechanisms } = describeReport(report(['m', 1, encrypt | decrypt | generateKeyPair]));
  t.same(mechanisms[0]?.functions, ['encrypt', 'decrypt', 'generateKeyPair']);
});
