// Renews docs/errors.md from the rooms' closed tables of errors.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsPage } from './errors-page.ts';
import { root } from './repository.ts';

writeFileSync(join(root, 'docs/errors.md'), await errorsPage());
