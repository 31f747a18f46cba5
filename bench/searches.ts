import { connect, encode, enumerated, integer, requestMessage, structure, text } from '../test/client.ts';
import { Bench, formatRow, heading, toHex } from './daemon.ts';

/** How long a neighbour waits while others search 30,000 objects by 128 conditions that all of them meet. */

const objects = 30_000;
const conditions = 128;
/** Every usage of 1.4: all masks below meet it. */
const everyUsage = 0x000f_ffff;

const attribute = (name: string, value: ReturnType<typeof text>) =>
  structure('Attribute', text('AttributeName', name), value);
const mask = (bits: number) => attribute('Cryptographic Usage Mask', integer('AttributeValue', bits));
const symmetricKey = enumerated('ObjectType', 2);
const create = {
  operation: 'Create',
  payload: [
    symmetricKey,
    structure(
      'TemplateAttribute',
      attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
      attribute('Cryptographic Length', integer('AttributeValue', 256)),
      mask(everyUsage),
    ),
  ],
};
const message = (...items: Parameters<typeof requestMessage>[1]) => encode(requestMessage('1.4', items));
const locate = message({
  operation: 'Locate',
  payload: [integer('MaximumItems', 10), ...Array.from({ length: conditions }, (_, bits) => mask(bits + 1))],
});

await Bench.run(async (bench) => {
  const { port } = await bench.startDaemon();
  const client = await connect({ port, home: bench.stateDirectory });
  const batch = message(...Array(500).fill(create));
  let id = '';
  for (let made = 0; made < objects; made += 500) {
    const answer = toHex(await client.send(batch));
    const at = answer.indexOf('42009407') / 2;
    id = Buffer.from(answer, 'hex').toString('latin1', at + 8, at + 8 + 36);
  }
  await client.close();
  const get = toHex(message({ operation: 'Get', payload: [text('UniqueIdentifier', id)] }));
  const neighbour = { port, connections: 1, request: get };
  console.log(heading);
  console.log(formatRow('Get, idle server', 1, await bench.measureLoad(neighbour)));
  const [searches, gets] = await Promise.all([
    bench.measureLoad({ port, connections: 4, request: toHex(locate) }),
    bench.measureLoad(neighbour),
  ]);
  console.log(formatRow('Get beside searches', 1, gets));
  console.log(formatRow(`Locate, ${conditions} conditions`, 4, searches));
});
