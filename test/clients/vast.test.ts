import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { enumerated, type RequestItem, readIdentity, requestMessage, structure } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { type FormName, forms, HttpsClient } from '../https-client.ts';
import { A, aes, length, mask, Name, named, OT, objectType, str, TA, uid } from './notation.ts';
import { type Answer, attributes, ids, Peer } from './peer.ts';

/** VAST Data: KMIP 1.4 in the body of POST /kmip, TTLV on some of its servers. */

const daemon = await Daemon.start({ args: ['--https', '127.0.0.1:0'] });
t.teardown(() => daemon.stop());
const identity = await readIdentity(join(daemon.home, 'clients', 'demo'));

/** The same rules for answers that come over HTTPS. */
class HttpsPeer extends Peer {
  readonly #https: HttpsClient;
  readonly #form: FormName;

  constructor(t: Pick<Test, 'teardown'>, form: FormName) {
    super(undefined as never);
    this.#https = new HttpsClient({ port: daemon.httpsPort, ...identity });
    this.#form = form;
    t.teardown(() => this.#https.close());
  }

  override async batch(
    version: Version,
    header: readonly Node[],
    items: readonly RequestItem[],
  ): Promise<Answer[]> {
    return this.check(
      version,
      items,
      await this.#https.exchange(requestMessage(version, items, header), this.#form),
    );
  }
}

const revocation = structure('RevocationReason', enumerated('RevocationReasonCode', 1));

/** Attributes added twice; Re-key moves the name and leaves the old key Active. */
async function path(t: Test, peer: Peer): Promise<void> {
  const ask = (operation: string, payload: Node[] = []) => peer.ask('1.4', operation, payload);
  const policy = A('Operation Policy Name', str('default'));
  await ask('DiscoverVersions');
  const { id } = await ask('Create', [OT(objectType.SymmetricKey), TA(aes, length(256), mask(12), policy)]);
  const name = Name('vast-path-1');
  for (const attribute of [name, A('Object Group', str('vast')), policy])
    await ask('AddAttribute', [uid(id), attribute]);
  await ask('Activate', [uid(id)]);
  t.same(ids(await ask('Locate', [name])), [id]);
  const polled = async (which: string) =>
    attributes(
      await ask('GetAttributes', [uid(which), ...named('State', 'Activation Date', 'Operation Policy Name')]),
    );
  t.match(await polled(id), { State: [2], 'Operation Policy Name': ['default'] });
  const replacement = (await ask('ReKey', [uid(id)])).id;
  t.not(replacement, id);
  t.same(ids(await ask('Locate', [name])), [replacement], 'the name has moved');
  t.match(await polled(replacement), { State: [2], 'Operation Policy Name': ['default'] });
  t.match(await polled(id), { State: [2] }, 'the old key stays Active');
  const links = attributes(await ask('GetAttributes', [uid(id), ...named('Link')]))['Link']?.[0] as Node[];
  t.equal(links.find((each) => each.type === 'TextString')?.value, replacement);
  for (const each of [id, replacement]) {
    await ask('Revoke', [uid(each), revocation]);
    await ask('Destroy', [uid(each)]);
  }
}

t.test('VAST over TTLV', async (t) => path(t, await Peer.connect(t, daemon)));
for (const form of Object.keys(forms) as FormName[])
  t.test(`VAST over HTTPS: ${forms[form].mediaType}`, (t) => path(t, new HttpsPeer(t, form)));
