import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeStore, type StoreUnderTest } from './store.contract.ts';
import { createViewFolder } from './view.fixture.ts';

const suffixes = ['', '-wal'];

function openUnderTest(): StoreUnderTest {
  const view = createViewFolder();
  const { folder, path } = view;
  let moments = 0;
  return {
    openWriter: (logEnd) => view.openWriter(logEnd),
    openFollower: () => view.openFollower(),
    keepMoment() {
      // By another process: closing the file here would drop this process's locks on it.
      const files = suffixes.map((suffix) => path + suffix).filter((file) => existsSync(file));
      const moment = join(folder, String(moments++));
      mkdirSync(moment);
      execFileSync('cp', [...files, moment]);
    },
    setBack(choice) {
      const moment = join(folder, String(Math.floor(choice * moments)), 'view.db');
      for (const suffix of [...suffixes, '-shm']) rmSync(path + suffix, { force: true });
      for (const suffix of suffixes) {
        if (existsSync(moment + suffix)) cpSync(moment + suffix, path + suffix);
      }
    },
    removeAll: () => view.remove(),
  };
}

describeStore('a view of blocks', openUnderTest);
