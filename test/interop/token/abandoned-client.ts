import { findPinFile, LoginJournal } from '../../../src/token/login-journal.ts';
import { TokenProcess } from '../../../src/token/token-process.ts';
import { findToken, logIn, openTokenKey, type TokenSettings } from '../../../src/token/token-start.ts';
import { parseTokenUri } from '../../../src/token/token-uri.ts';

/** Prints the process id of a token's process that hangs in the library, and waits to be killed. */
const uri = parseTokenUri(process.argv[2] ?? '', '/');
const pinFile = findPinFile(uri, process.env);
const settings: TokenSettings = {
  uri,
  environment: process.env,
  pinFile,
  journal: new LoginJournal(undefined, uri, pinFile),
  mode: 'find',
  startMilliseconds: 60_000,
  showsLibraryOutput: true,
};
const { SOFTHSM2_CONF, KMIPD_TEST_FAULTS } = process.env;
const child = new TokenProcess({ SOFTHSM2_CONF, KMIPD_TEST_FAULTS }, true);
await findToken(child, settings);
await logIn(child, settings, false);
const opening = openTokenKey(child, settings);
console.log(child.pid);
await opening;
