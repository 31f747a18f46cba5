import { add } from './client-add.ts';
import { list } from './client-list.ts';
import { show } from './client-show.ts';
import { disable, enable, remove } from './client-state.ts';
import type { Command } from './command.ts';

export const clientCommands: readonly Command[] = [add, list, show, disable, enable, remove];
