import { historyOf } from './history.ts';
import { describeHistory } from './history.contract.ts';
import { createViewFolder } from './view.fixture.ts';

describeHistory('a view of blocks', {
  numRuns: 30,
  async open() {
    const folder = createViewFolder();
    const writer = folder.openWriter(0);
    return {
      reader: historyOf(writer),
      async take(position, batch) {
        writer.apply(position, batch);
        if (position % 3 === 0) while (!writer.flushSlice(3));
      },
      async remove() {
        writer.close();
        folder.remove();
      },
    };
  },
});
