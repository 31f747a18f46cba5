import { PassThrough } from 'node:stream';
import t from 'tap';
import { watchClient } from '../../src/net/client-presence.ts';

/** When work for a client ends, because nobody reads its answer. */

t.test('a client is there until it has closed its side for two seconds', async (t) => {
  const socket = new PassThrough({ allowHalfOpen: true, emitClose: false, autoDestroy: false });
  let time = 1_000;
  const isOpen = watchClient(socket, () => time);
  t.equal(isOpen(), true, 'open');
  time += 3_600_000;
  t.equal(isOpen(), true, 'idle for an hour');
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.resume().end();
  await ended;
  t.equal(isOpen(), true, 'closed on its side');
  time += 2_000;
  t.equal(isOpen(), true, 'for two seconds');
  time += 1;
  t.equal(isOpen(), false, 'for longer');
});

t.test('a client whose connection is gone has left', (t) => {
  const socket = new PassThrough();
  const isOpen = watchClient(socket, () => 0);
  socket.destroy();
  t.equal(isOpen(), false);
  t.end();
});
