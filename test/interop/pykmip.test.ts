import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';

const run = promisify(execFile);

/** Debian's interpreter: PyKMIP calls ssl.wrap_socket, which Python 3.12 no longer has. */
const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'pykmip_client.py');

/** The result of a check of the script. */
interface Result {
  readonly version: string;
  readonly check: string;
  readonly error: string | null;
}

/**
 * Answers by the specification that PyKMIP 0.10.0 cannot decode, by the text of its failure. See
 * docs/decisions/08-pykmip-decoder.md. A check that passes fails the test: then its row has to be removed.
 */
const undecodable: readonly {
  readonly versions: readonly string[];
  readonly checks: readonly string[];
  readonly error: RegExp;
  readonly why: string;
}[] = [
  {
    versions: ['1.0'],
    checks: ['get digest', 'get all attributes', 'get all attributes of every type'],
    error: /unpack requires a buffer of 4 bytes/,
    why: 'PyKMIP wants Key Format Type in a Digest of 1.0, where there is none before 1.1',
  },
  {
    versions: ['1.1'],
    checks: ['get all attributes of every type'],
    error: /^NotImplementedError: /,
    why: 'PyKMIP has no decoder for Link',
  },
  {
    versions: ['1.2', '1.3'],
    checks: ['get all attributes', 'get all attributes of every type'],
    error: /ORIGINAL_CREATION_DATE/,
    why: 'PyKMIP has no decoder for Original Creation Date',
  },
  {
    versions: ['1.4'],
    checks: ['get all attributes', 'get all attributes of every type'],
    error: /ALWAYS_SENSITIVE|ORIGINAL_CREATION_DATE/,
    why: 'PyKMIP has no decoder for Always Sensitive and Original Creation Date',
  },
  {
    versions: ['2.0'],
    checks: ['get all attributes', 'get all attributes of every type'],
    error: /KEY_FORMAT_TYPE/,
    why: 'PyKMIP has no decoder for Key Format Type as an attribute',
  },
  {
    versions: ['1.1', '1.2', '1.3', '1.4', '2.0'],
    checks: ['get wrapped'],
    error: /^ReadValueError: .*expected 1, received 8/,
    why: 'PyKMIP looks for Key Material in a Key Value that is wrapped whole',
  },
  {
    versions: ['2.0'],
    checks: ['query profiles'],
    error: /^StreamNotEmptyError: /,
    why: 'PyKMIP does not know Profile Version',
  },
  {
    versions: ['2.0'],
    checks: ['query capabilities'],
    error: /^StreamNotEmptyError: /,
    why: 'PyKMIP does not know Quantum Safe Capability',
  },
  {
    versions: ['2.0'],
    checks: ['query defaults information'],
    error: /Tags.EXTRACTABLE/,
    why: 'PyKMIP has no decoder for Extractable, which has a default',
  },
  {
    versions: ['2.0'],
    checks: ['query storage protection masks'],
    error: /^StreamNotEmptyError: /,
    why: 'PyKMIP wants Protection Storage Mask outside its structure',
  },
];

const missing = await run(python, [
  '-W',
  'ignore',
  '-c',
  'import kmip, cryptography, ssl; ssl.wrap_socket',
]).then(
  () => undefined,
  () => 'the Debian package python3-pykmip is not installed',
);

if (missing === undefined) {
  const daemon = await Daemon.start();
  t.teardown(() => daemon.stop());
  const demo = join(daemon.home, 'clients', 'demo');
  const files = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => join(demo, file));
  const args = ['-W', 'ignore', script, '127.0.0.1', String(daemon.port), ...files];
  const { stdout } = await run(python, args, { maxBuffer: 16 * 1024 * 1024, timeout: 100_000 });
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
  for (const [version, checks] of Map.groupBy(results, (result) => result.version)) {
    t.test(`PyKMIP's client in KMIP ${version}`, (t) => {
      t.ok(checks.length > 40, `${checks.length} checks have run`);
      for (const { check, error } of checks) {
        const row = undecodable.find(
          (each) => each.versions.includes(version) && each.checks.includes(check),
        );
        if (row === undefined) t.equal(error, null, check);
        else if (row.error.test(error ?? '')) t.pass(check, { skip: row.why });
        else t.fail(`${check} failed because ${row.why}, now it says ${error ?? 'that all is well'}`);
      }
      t.end();
    });
  }
  t.test('the script has tested every version', (t) => {
    t.same([...new Set(results.map((result) => result.version))], ['1.0', '1.1', '1.2', '1.3', '1.4', '2.0']);
    t.end();
  });
  t.ok(daemon.isRunning, 'the daemon lives on');
} else {
  t.pass('PyKMIP', { skip: missing });
}
