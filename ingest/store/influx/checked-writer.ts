/** A writer that writes nothing before the bucket is known to keep it (`checkView`). */
import { CodedError } from '../../../devices/coded-error.ts';
import { createPauses } from './pauses.ts';
import { createSending } from './sending.ts';
import { checkView } from './view.ts';
import { openWriter, type Writer, type WriterOptions } from './writer.ts';

/** Looks again until the bucket may be used, as a request is sent again; tells each time why it may not. */
export function openCheckedWriter(options: WriterOptions): Writer {
  const { config, connection, events } = options;
  const writer = openWriter(options);
  const pauses = createPauses(options.clock);
  const sending = createSending({ ...options, pauses });

  async function check(): Promise<void> {
    for (let failures = 1; !pauses.isEnded; failures++) {
      try {
        return await checkView({ connection, config });
      } catch (error) {
        const againMs = sending.waitMs(failures);
        if (error instanceof CodedError && error.canRetry) events.writeRepeated(error, againMs);
        else events.writeRefused(error, againMs);
        await pauses.pause(againMs);
      }
    }
  }

  const checked = check();
  return {
    async write(lines) {
      await checked;
      return writer.write(lines);
    },
    close() {
      pauses.end();
      writer.close();
    },
  };
}
