import t from 'tap';
import {
  decodeHeader,
  encodeFrame,
  FrameError,
  maxBodyBytes,
  maxUseBodyBytes,
} from '../../../src/token/frames.ts';
import { decodeKeyPage, decodeMadeKey, decodeRemoved } from '../../../src/token/keys/key-answers.ts';
import { formatKeyLabel, parseKeyLabel } from '../../../src/token/keys/key-label.ts';
import {
  decodeUse,
  decodeUseAnswer,
  encodeMakeKey,
  encodeUse,
  encodeUseAnswer,
} from '../../../src/token/keys/key-messages.ts';
import { decodeJson, encodeJson } from '../../../src/token/messages.ts';

const id = '00112233445566778899aabbccddeeff';

t.test('a use of a key crosses with its bytes, and the data behind them', (t) => {
  const mechanism = {
    kind: 'gcm',
    iv: new Uint8Array(12).fill(7),
    tagBytes: 16,
    mayChooseIv: true,
    additionalData: undefined,
  } as const;
  const data = Uint8Array.of(1, 2, 3);
  const { request, data: sent } = decodeUse(encodeUse(id, 'aes', { function: 'encrypt', mechanism }, data));
  t.strictSame(request, {
    ...{ id, type: 'aes', function: 'encrypt' },
    mechanism: { kind: 'gcm', iv: '07'.repeat(12), tagBytes: 16, mayChooseIv: true },
  });
  t.same(sent, data);
  t.throws(() => decodeUse(Uint8Array.of(0, 0, 1, 0, 1)), RangeError);
  t.throws(() => decodeUse(new Uint8Array(2)), RangeError);
  t.end();
});

t.test('an answer about a use has a status, perhaps an IV, and the output', (t) => {
  const output = Uint8Array.of(5, 6);
  t.same(decodeUseAnswer(encodeUseAnswer({ status: 'done', output })), { status: 'done', output });
  const iv = new Uint8Array(12).fill(1);
  t.same(decodeUseAnswer(encodeUseAnswer({ status: 'done', iv, output })), { status: 'done', iv, output });
  for (const status of ['rejected', 'unsupported', 'missing'] as const)
    t.equal(decodeUseAnswer(encodeUseAnswer({ status, output: new Uint8Array() })).status, status);
  for (const wrong of [[], [4, 0], [0, 3, 1], [0]])
    t.throws(() => decodeUseAnswer(Uint8Array.from(wrong)), RangeError, String(wrong));
  t.end();
});

t.test('only a use of a key may be long', (t) => {
  const body = new Uint8Array(maxBodyBytes + 1);
  for (const verb of ['keyMake', 'keyRemove', 'keyList', 'wrap'] as const)
    t.throws(() => encodeFrame({ verb, request: 1, body }), FrameError, verb);
  const frame = encodeFrame({ verb: 'keyUse', request: 1, body: new Uint8Array(maxUseBodyBytes) });
  t.equal(decodeHeader(frame).body.length, maxUseBodyBytes);
  new DataView(frame.buffer).setUint32(0, frame.length);
  t.throws(() => decodeHeader(frame), FrameError, 'one byte more, before anything is allocated');
  const other = encodeFrame({ verb: 'wrap', request: 1, body: new Uint8Array(1) });
  new DataView(other.buffer).setUint32(0, maxUseBodyBytes);
  t.throws(() => decodeHeader(other), FrameError);
  t.end();
});

t.test('a request for a key has the curve in hexadecimal digits', (t) => {
  const uses = { encrypt: false, decrypt: false, sign: true };
  const request = { id, token: 'serial', label: 'a label', uses };
  const key = { type: 'ec', parameters: Uint8Array.of(6, 1, 42) } as const;
  t.strictSame(decodeJson(encodeMakeKey({ ...request, key })), {
    ...request,
    key: { type: 'ec', parameters: '06012a' },
  });
  t.end();
});

t.test('answers of the process are checked, field by field', (t) => {
  const made = (answer: object) => decodeMadeKey(encodeJson(answer));
  t.same(made({ status: 'done', publicKey: null }), {});
  t.same(made({ status: 'unsupported', reason: 'two\nlines' }), { reason: 'two lines' });
  t.same(made({ status: 'done', publicKey: { type: 'ec', point: '04ff' } }), {
    publicKey: { type: 'ec', point: Uint8Array.of(4, 255) },
  });
  for (const wrong of [
    {},
    { status: 'done' },
    { status: 'done', publicKey: {} },
    { status: 'done', publicKey: { type: 'ec', point: 'xy' } },
    { status: 'done', publicKey: { type: 'rsa', modulus: '01' } },
    { status: 'unsupported' },
  ])
    t.throws(() => made(wrong), JSON.stringify(wrong));
  const page = (answer: object, from = 0) => decodeKeyPage(encodeJson(answer), from);
  for (const right of [
    { total: 1, next: 1, keys: [{ id, label: 'a' }] },
    { total: 0, next: 0, keys: [] },
    { total: 30, next: 24, keys: [] },
  ])
    t.same(page(right), right);
  t.same(page({ total: 3, next: 3, keys: [] }, 24).next, 3, 'the rest was removed meanwhile');
  t.throws(() => page({ total: 30, next: 24, keys: [] }, 24), RangeError);
  t.throws(() => page({ total: 30, next: 31, keys: [] }, 24), RangeError);
  t.throws(() => page({ total: 3, next: 1, keys: [] }, 24), RangeError);
  for (const wrong of [
    { total: 1, next: 0, keys: [] },
    { total: 1, keys: [] },
    { total: -1, next: 0, keys: [] },
    { total: 2e9, next: 2e9, keys: [] },
    { total: 1, next: 1, keys: [{ id: 'XY', label: 'a' }] },
    { total: 1, next: 1, keys: [{ id }] },
    { total: 1, next: 1 },
  ])
    t.throws(() => page(wrong), JSON.stringify(wrong));
  for (const removed of [
    { isOwn: true, reason: null },
    { isOwn: true, reason: 'C_DestroyObject returned CKR_ACTION_PROHIBITED' },
  ])
    t.same(decodeRemoved(encodeJson(removed)), removed);
  t.throws(() => decodeRemoved(encodeJson({ isOwn: 1, reason: null })), TypeError);
  t.throws(() => decodeRemoved(encodeJson({ isOwn: true })), TypeError);
  t.end();
});

t.test('the label of a key names its database and its time', (t) => {
  const label = { owner: '0123456789abcdef', made: 1_764_507_600 };
  t.strictSame(parseKeyLabel(formatKeyLabel(label)), label);
  for (const other of ['kmipd', 'kmipd 0123 1', 'kmipd 0123456789abcdef x', 'x kmipd 0123456789abcdef 1'])
    t.equal(parseKeyLabel(other), undefined, other);
  t.end();
});
