import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encode, structure, text } from '../client.ts';
import { mainFile } from '../fixture/kmipd.ts';

/** Commands print what others wrote, and end on input that does not end. */

t.setTimeout(600_000);

const home = t.testdir();
const run = (args: readonly string[], input?: Uint8Array | string) =>
  spawnSync(process.execPath, [mainFile, ...args], { cwd: home, encoding: 'utf8', input });
t.equal(run(['init', '--home', join(home, 'ready'), '--listen', '127.0.0.1:0']).status, 0, 'init');

/**
 * Characters that could command a terminal, change the direction of a text or show nothing, but the line
 * feed; unit/codec/unprintable.test.ts has every one.
 */
const ranges = [
  [0x01, 0x09],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xe0001, 0xe0007],
  [0xe0041, 0xe007f],
] as const;
const dangerous = ranges.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)),
);
const foreign = `a${dangerous.join('b')}c`;
/** The first of each range but control characters, where commands refuse these and texts that are longer. */
const firsts = ranges.map(([first]) => String.fromCodePoint(first)).filter((each) => !/\p{Cc}/u.test(each));
const short = `a${firsts.join('b')}c`;
/** The same without those that XML 1.0 cannot represent at all. */
const inXml = `a${dangerous.filter((each) => each >= '\x7f').join('b')}c`;
/** A text of TOML that means all of them: it may contain them as escapes only. */
const inToml = toToml(dangerous);

function toToml(characters: readonly string[]): string {
  const escapes = characters.map((each) => `\\U${each.codePointAt(0)?.toString(16).padStart(8, '0')}`);
  return `"a${escapes.join('b')}c"`;
}

const message = (value: string) =>
  encode(structure('RequestMessage', structure('RequestHeader', text('ClientCorrelationValue', value))));

function write(name: string, content: string | Uint8Array): string {
  const file = join(home, name);
  writeFileSync(file, content);
  return file;
}

writeFileSync(join(home, 'ready', 'kmipd.toml'), `[roles]\n${toToml(firsts)} = ["Get"]\n`);
t.equal(run(['client', 'add', 'listed', '--home', 'ready', '--role', short]).status, 0, 'client add');

/** Every command that prints text which others wrote: its arguments, and its input. */
const commands: Readonly<Record<string, readonly [args: readonly string[], input?: Uint8Array | string]>> = {
  'decode to text': [['decode', '-'], message(foreign)],
  'decode to XML': [['decode', '-', '--to', 'xml'], message(inXml)],
  'decode to JSON': [['decode', '-', '--to', 'json'], message(foreign)],
  'decode of a text that is none': [['decode', '-'], foreign],
  'decode of a broken XML': [['decode', '-'], `<${foreign} `],
  'decode of a broken JSON': [['decode', '-'], `{"${foreign}": `],
  'decode of an argument': [['decode', foreign]],
  'check-config of an unknown key': [['check-config', write('key.toml', `${inToml} = 1\n`)]],
  'check-config of a wrong value': [['check-config', write('value.toml', `listen = ${inToml}\n`)]],
  'check-config of a broken TOML': [['check-config', write('broken.toml', `listen = "${inXml}"\n`)]],
  'check-config of a file that is not there': [['check-config', `${foreign}.toml`]],
  'an unknown command': [[foreign]],
  'an unknown option': [['client', 'list', `--${foreign}`]],
  'a wrong name': [['client', 'add', foreign, '--home', 'ready']],
  'an unknown role': [['client', 'add', 'x', '--home', 'ready', '--role', `x${short}`]],
  'a list of clients': [['client', 'list', '--home', 'ready']],
  'a list of clients in JSON': [['client', 'list', '--home', 'ready', '--json']],
  'a client': [['client', 'show', 'listed', '--home', 'ready']],
  'a certificate that is not there': [['client', 'add', 'x', '--home', 'ready', '--cert', foreign]],
  'a client that is not there': [['client', 'show', foreign, '--home', 'ready']],
  'an object that is not there': [['object', 'show', short, '--home', 'ready']],
  'a wrong serial number': [['crl', 'issuer', '--home', 'ready', '--revoke', foreign]],
};

/** Commands that say where the fault is, and print nothing of the text. */
const silent: ReadonlySet<string> = new Set([
  'decode of a text that is none',
  'decode of a broken XML',
  'decode of a broken JSON',
  'check-config of a wrong value',
  'check-config of a broken TOML',
]);

t.test('no command prints a character that could command the terminal', async (t) => {
  for (const [name, [args, input]] of Object.entries(commands)) {
    const { stdout, stderr } = run(args, input);
    const found = dangerous.filter((each) => `${stdout}${stderr}`.includes(each));
    t.same(
      found.map((each) => each.codePointAt(0)?.toString(16)),
      [],
      name,
    );
    t.equal(/a[^ab]+b[^ab]+b/.test(`${stdout}${stderr}`), !silent.has(name), `${name}: the text was printed`);
    t.ok(`${stdout}${stderr}`.length > 0, `${name}: something was printed`);
  }
});

t.test('XML and JSON stay what they were', async (t) => {
  for (const [form, value] of [
    ['json', foreign],
    ['xml', inXml],
  ] as const) {
    const written = run(['decode', '-', '--to', form], message(value)).stdout;
    const back = run(['decode', '-', '--to', 'hex'], written).stdout.trim();
    t.equal(back, Buffer.from(message(value)).toString('hex'), form);
  }
});

t.test('input that does not end is refused', async (t) => {
  for (const [name, args] of Object.entries({
    'a file': ['decode', '/dev/zero'],
    'a certificate': ['client', 'add', 'x', '--home', 'ready', '--cert', '/dev/zero'],
    'a request': ['client', 'add', 'x', '--home', 'ready', '--csr', '/dev/zero'],
  })) {
    const { status, stderr } = run(args);
    t.equal(status, 1, name);
    t.match(
      stderr,
      /^kmipd: \/dev\/zero: this is a device, not a file; name a regular file instead\n$/,
      name,
    );
  }
  const piped = spawnSync('sh', ['-c', `yes 42 | "${process.execPath}" "${mainFile}" decode -`], {
    cwd: home,
    encoding: 'utf8',
  });
  t.equal(piped.status, 1, 'standard input');
  t.match(piped.stderr, /more than the \d+ bytes allowed/, 'standard input');
});
