import type { Test } from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { bytes, type Client, enumerated, find, item, structure, text, valueOf } from '../client.ts';
import type { Daemon } from '../fixture/daemon.ts';
import { Random } from '../fuzz/random.ts';
import { type Answer, ask } from './messages.ts';
import { block, encrypting, limitedKey } from './shared.ts';

/** 64 clients use a key at once, through one daemon or two, until exactly its Usage Limits are spent. */
const clients = 64;

interface Spending {
  readonly operation: 'GetUsageAllocation' | 'Encrypt' | 'Sign';
  /** In the unit of the limits. */
  readonly amount: number;
  readonly payload: readonly Node[];
}

/** A key with limits, what can be spent of it in one message, and the least of that. */
interface Purse {
  readonly id: string;
  readonly total: number;
  readonly unit: number;
  readonly ways: readonly Spending['operation'][];
}

function spendingOf(purse: Purse, random: Random): Spending {
  const operation = random.pick(purse.ways);
  switch (operation) {
    case 'GetUsageAllocation': {
      const amount = purse.unit * (1 + random.below(3));
      const count = item('UsageLimitsCount', 'LongInteger', BigInt(amount));
      return { operation, amount, payload: [text('UniqueIdentifier', purse.id), count] };
    }
    case 'Encrypt':
      return { operation, amount: purse.unit, payload: encrypting(purse.id).payload as Node[] };
    case 'Sign': {
      const parameters = structure(
        'CryptographicParameters',
        enumerated('HashingAlgorithm', 6),
        enumerated('DigitalSignatureAlgorithm', 14),
      );
      const data = bytes('Data', new Uint8Array(purse.unit));
      return {
        operation,
        amount: purse.unit,
        payload: [text('UniqueIdentifier', purse.id), parameters, data],
      };
    }
  }
}

interface Account {
  granted: number;
  messages: number;
  refused: number;
  /** Anything else that came back: no message may be lost for it. */
  readonly odd: string[];
}

/** Spends until a message for the smallest amount is refused, so that the limit is spent. */
async function spend(client: Client, purse: Purse, random: Random, account: Account): Promise<void> {
  for (;;) {
    const { operation, amount, payload } = spendingOf(purse, random);
    const [answer] = await ask(client, [{ operation, payload }]);
    if (answer?.ok) {
      account.granted += amount;
      account.messages++;
    } else if (answer?.message.includes('Usage Limits')) {
      account.refused++;
      if (amount === purse.unit) return;
    } else {
      account.odd.push(`${operation}: ${answer?.message}`);
      return;
    }
  }
}

async function leftOf(client: Client, id: string): Promise<number> {
  const [answer] = await ask(client, [
    {
      operation: 'GetAttributes',
      payload: [text('UniqueIdentifier', id), text('AttributeName', 'Usage Limits')],
    },
  ]);
  const value = answer?.payload && find(answer.payload, 'Attribute', 'AttributeValue');
  return Number(value && valueOf(value, 'UsageLimitsCount'));
}

const attribute = (name: string, value: Node): Node =>
  structure('Attribute', text('AttributeName', name), value);

/** An AES key for so many bytes, and a private key for so many signatures. */
async function purses(client: Client): Promise<Purse[]> {
  const made = ([answer]: readonly Answer[], name: 'UniqueIdentifier' | 'PrivateKeyUniqueIdentifier') => {
    if (!answer?.ok) throw new Error(answer?.message);
    return String(answer.payload && valueOf(answer.payload, name));
  };
  const bytesTotal = 300 * block;
  const cipher = made(await ask(client, [limitedKey(bytesTotal)]), 'UniqueIdentifier');
  const signatures = 150;
  const pair = await ask(client, [
    {
      operation: 'CreateKeyPair',
      payload: [
        structure(
          'CommonTemplateAttribute',
          attribute('Cryptographic Algorithm', enumerated('AttributeValue', 6)),
          attribute('Cryptographic Length', item('AttributeValue', 'Integer', 256)),
          attribute('Activation Date', item('AttributeValue', 'DateTime', 1)),
        ),
        structure(
          'PrivateKeyTemplateAttribute',
          attribute('Cryptographic Usage Mask', item('AttributeValue', 'Integer', 1)),
          attribute(
            'Usage Limits',
            structure(
              'AttributeValue',
              item('UsageLimitsTotal', 'LongInteger', BigInt(signatures)),
              enumerated('UsageLimitsUnit', 2),
            ),
          ),
        ),
        structure(
          'PublicKeyTemplateAttribute',
          attribute('Cryptographic Usage Mask', item('AttributeValue', 'Integer', 2)),
        ),
      ],
    },
  ]);
  return [
    { id: cipher, total: bytesTotal, unit: block, ways: ['GetUsageAllocation', 'Encrypt'] },
    {
      id: made(pair, 'PrivateKeyUniqueIdentifier'),
      total: signatures,
      unit: 1,
      ways: ['GetUsageAllocation', 'Sign', 'Sign'],
    },
  ];
}

/** Spends the limits of an encryption key and of a signing key through all daemons, and ends the daemons. */
export async function spendAll(t: Test, servers: readonly Daemon[]): Promise<void> {
  for (const server of servers) await server.start();
  const connections = await Promise.all(
    Array.from(
      { length: clients },
      (_, at) => servers[at % servers.length]?.connect(60_000) as Promise<Client>,
    ),
  );
  const [first] = connections as [Client];
  for (const purse of await purses(first)) {
    const account: Account = { granted: 0, messages: 0, refused: 0, odd: [] };
    await Promise.all(connections.map((client, at) => spend(client, purse, new Random(64, at), account)));
    t.same(account.odd, [], 'nothing but granted or refused');
    t.equal(
      account.granted,
      purse.total,
      `${purse.ways.join(', ')}: exactly the limit, in ${account.messages} messages`,
    );
    t.ok(account.refused >= clients, `${account.refused} were refused`);
    for (const server of servers) {
      const reader = await server.connect();
      t.equal(await leftOf(reader, purse.id), 0, 'nothing is left');
      await reader.close();
    }
  }
  await Promise.all(connections.map((client) => client.close()));
  for (const server of servers) t.equal(await server.end(), 0);
}
