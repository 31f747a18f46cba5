import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { storeIdentityOf } from '../../src/cli/state-directory/management.ts';
import { requireInitialised, stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { initialiseStateDirectory } from '../fixture/kmipd.ts';
import { captureCommand } from './run-command.ts';

/** What commands make of the answers that come over the management socket. */

t.setTimeout(120_000);

const home = mkdtempSync(join(tmpdir(), 'kmipd-test-'));
t.teardown(() => rmSync(home, { recursive: true }));
await initialiseStateDirectory(home);

const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);

/** The answers of a peer, by method; a text is sent as it is, other values with the id of the request. */
let answers: Readonly<Record<string, unknown>> = {};
const stateDirectory = stateDirectoryAt(home);
const store = storeIdentityOf(requireInitialised(stateDirectory).store);
const peer = createServer((socket) => {
  createInterface(socket).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const answer = method === 'service.describe' ? { result: { process: 1, store } } : answers[method];
    socket.write(`${typeof answer === 'string' ? answer : JSON.stringify({ id, ...(answer as object) })}\n`);
  });
}).listen(stateDirectory.socket);
t.teardown(() => peer.close());

const unanswered =
  'kmipd: the running kmipd did not answer to the end; look whether the change was made, then try again\n';

t.test('an answer of another form is none', async (t) => {
  const disable = ['client', 'disable', 'demo'];
  for (const answer of [
    'no JSON',
    ...['null', '5', '[]', '{"id":null,"result":{"isChanged":true}}', '{"result":{"isChanged":true}}'],
    { id: 1_000, result: { isChanged: true } },
    ...[{}, { result: 5 }, { result: null }, { result: {} }, { result: { isChanged: 1 } }],
    ...[{ error: null }, { error: 'no' }, { error: { message: 5 } }, { result: [], warning: 5 }],
  ]) {
    answers = { 'client.setDisabled': answer };
    t.strictSame(await kmipd(...disable), { code: 1, output: unanswered }, JSON.stringify(answer));
  }
  answers = { 'client.setDisabled': { result: { isChanged: true }, warning: 'not yet in force' } };
  t.strictSame(await kmipd(...disable), {
    code: 0,
    output: 'client demo is disabled\nnot yet in force\n',
  });
  answers = { 'client.list': { result: [{ name: 'demo' }] } };
  t.strictSame(await kmipd('client', 'list'), { code: 1, output: unanswered });
});

t.test('one-time passwords that were printed and not stored are said to be invalid', async (t) => {
  answers = {
    'credential.checkOneTimePasswords': { result: { isReplaced: false, isFirst: false } },
    'credential.addOneTimePasswords': { error: { message: 'the disk is full' } },
  };
  const { code, output } = await kmipd(
    ...['client', 'credential', 'add', 'demo', '--username', 'u', '--one-time', '2'],
  );
  t.equal(code, 1);
  t.match(
    output,
    /^([0-9a-f]{32}\n){2}kmipd: the disk is full; the passwords above are not valid, unless kmipd client credential list demo counts them\n$/,
  );
});
