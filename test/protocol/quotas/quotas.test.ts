import t from 'tap';
import { quotaSuite } from './quota-suite.ts';

await quotaSuite(t, async () => ({}));
