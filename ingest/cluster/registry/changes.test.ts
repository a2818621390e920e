import { changesContract } from '../../../devices/registry/changes.contract.ts';
import { createKafkaServer } from '../../log/kafka/kafka-memory.ts';
import { createFolders, ensureTopics, openTestNode, plainNames } from './nodes.fixture.ts';

changesContract(async () => {
  const server = createKafkaServer();
  const folders = createFolders();
  const kafkas = [server.connect(), server.connect()] as const;
  await ensureTopics(kafkas[0], plainNames);
  const one = await openTestNode(kafkas[0], plainNames, {
    number: 1,
    folder: folders.folder('one'),
  });
  const other = await openTestNode(kafkas[1], plainNames, {
    number: 2,
    folder: folders.folder('other'),
  });
  return {
    one,
    other,
    async remove() {
      await one.close();
      await other.close();
      folders.remove();
    },
  };
});
