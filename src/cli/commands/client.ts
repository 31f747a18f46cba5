import type { Group } from '../command.ts';
import { add } from './client-add.ts';
import { credential } from './client-credential.ts';
import { list } from './client-list.ts';
import { notify } from './client-notify.ts';
import { show } from './client-show.ts';
import { disable, enable, remove } from './client-state.ts';

export const client: Group = {
  command: 'client',
  describe: 'Enrol clients and manage them',
  commands: [add, list, show, disable, enable, remove, notify, credential],
};
