import type { Node } from '../../codec/wire/node.ts';
import { bytes, item, requestMessage, structure, text } from '../client.ts';
import { headers } from './headers.ts';
import { raw } from './notation.ts';
import { products } from './products.ts';

export function* productMessages(): Generator<{ label: string; message: Node }> {
  for (const [label, version, header, ...items] of [...products, ...headers]) {
    yield { label: `${label} ${version}`, message: requestMessage(version, items, header) };
  }
}

export function* extensionMessages(): Generator<{ label: string; message: Node }> {
  const extension = structure(
    'MessageExtension',
    text('VendorIdentification', 'Acme'),
    item('CriticalityIndicator', 'Boolean', false),
    structure('VendorExtension', bytes('Data', raw(4))),
  );
  const message = requestMessage('1.4', [{ operation: 'Ping' }]);
  const batch = message.type === 'Structure' ? message.value[1] : undefined;
  if (message.type === 'Structure' && batch?.type === 'Structure') {
    const extended: Node = { ...batch, value: [...batch.value, extension] };
    yield {
      label: 'message extension 1.4',
      message: { ...message, value: [message.value[0] as Node, extended] },
    };
  }
}
