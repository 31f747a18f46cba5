import t from 'tap';
import * as crypto from '../../src/crypto/errors.ts';
import { asRefusal, isTransient } from '../../src/protocol/batch/failure.ts';
import * as migrations from '../../src/store/migrations/migration.ts';
import * as store from '../../src/store/store.ts';
import * as values from '../../src/vault/value-errors.ts';
import * as vault from '../../src/vault/vault.ts';

/** Codes of errors that no request causes, with the reason why the client gets no more than a reference. */
const internal: Readonly<Record<string, string>> = {
  SEAL_BROKEN: 'the database was changed, which concerns the operator only',
  SCHEMA_TOO_NEW: 'the store is opened before the first request',
  FIRST_DESIGN: 'the database is converted before the first request',
};

/** Codes of errors that pass, of which the client gets no more than a reference. */
const transient = ['STORE_UNAVAILABLE', 'VAULT_UNAVAILABLE', 'VALUE_ROOT_MISSING'];

type Coded = Error & { readonly code: string };

/** One error of each class that the ports export. */
const errors = [crypto, store, migrations, values, vault].flatMap((port) =>
  Object.values(port)
    .filter((value) => typeof value === 'function' && value.prototype instanceof Error)
    .map((value) => new (value as new (message: string) => Coded)('some text')),
);

t.test('every error of the ports has a code of its own', async (t) => {
  t.ok(errors.length >= 15, `${errors.length} classes`);
  const codes = errors.map(({ code }) => code);
  for (const code of codes) t.match(code, /^[A-Z]+(_[A-Z]+)*$/);
  t.equal(new Set(codes).size, codes.length);
});

t.test('every error of the ports becomes a Result Reason, or is transient or internal', async (t) => {
  for (const error of errors) {
    const refusal = asRefusal(error);
    const isHidden = transient.includes(error.code) || Object.hasOwn(internal, error.code);
    t.equal(refusal === undefined, isHidden, error.code);
    if (refusal !== undefined)
      t.equal(refusal.message, 'some text', `${error.code}: the client gets the text`);
    const passes = [...transient, 'CRYPTOGRAPHY_BUSY', 'VALUE_TOKEN_UNAVAILABLE'].includes(error.code);
    t.equal(isTransient(error), passes, `${error.code}: transient`);
  }
});

t.test('an error without a known code is neither a refusal nor transient', async (t) => {
  const others = [
    new Error('bug'),
    Object.assign(new Error('away'), { code: 'ECONNRESET' }),
    Object.assign(new Error('odd'), { code: 'constructor' }),
    { code: 'INVALID_PARAMETERS' },
    'INVALID_PARAMETERS',
    undefined,
  ];
  for (const other of others) {
    t.equal(asRefusal(other), undefined);
    t.notOk(isTransient(other));
  }
});
